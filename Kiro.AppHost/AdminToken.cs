namespace Kiro.AppHost;

/// <summary>The admin token used by the dashboard's commands.</summary>
internal static class AdminToken
{
    /// <summary><c>ADMIN_TOKEN</c>, or a generated one for each start; when published, empty by default.</summary>
    public static IResourceBuilder<ParameterResource> AddAdminToken(this IDistributedApplicationBuilder builder)
    {
        var given = builder.ExecutionContext.IsPublishMode ? "" : builder.Configuration["ADMIN_TOKEN"];
        return string.IsNullOrEmpty(given) && builder.ExecutionContext.IsRunMode
            ? builder.AddParameter("admin-token", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true)
            : builder.AddParameter("admin-token", given ?? "", secret: true);
    }
}
