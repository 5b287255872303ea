namespace Kiro.AppHost;

/// <summary>The secret between the dashboard's commands and the balancer.</summary>
internal static class AdminToken
{
    /// <summary><c>ADMIN_TOKEN</c>, or a new one for each start; in what is published, none until the user sets one.</summary>
    public static IResourceBuilder<ParameterResource> AddAdminToken(this IDistributedApplicationBuilder builder)
    {
        var given = builder.ExecutionContext.IsPublishMode ? "" : builder.Configuration["ADMIN_TOKEN"];
        return string.IsNullOrEmpty(given) && builder.ExecutionContext.IsRunMode
            ? builder.AddParameter("admin-token", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true)
            : builder.AddParameter("admin-token", given ?? "", secret: true);
    }
}
