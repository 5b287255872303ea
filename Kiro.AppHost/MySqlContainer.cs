namespace Kiro.AppHost;

/// <summary>A database server in a container. Excluded if <c>KiroMySqlHosting</c> is <c>false</c>, because it needs Aspire.Hosting.MySql.</summary>
internal static class MySqlContainer
{
    public static IResourceBuilder<IResourceWithConnectionString> AddMySqlContainer(this IDistributedApplicationBuilder builder) =>
        builder.AddMySql("mysql").WithDataVolume("kiro-mysql").AddDatabase("kiro", "kiro_api");
}
