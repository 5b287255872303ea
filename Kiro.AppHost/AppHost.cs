using Kiro.AppHost;
using Kiro.AppHost.Published;
using Kiro.AppHost.Settings;

var builder = DistributedApplication.CreateBuilder(args);
if (AppHostSettings.Read(builder) is not { } settings)
{
    return 1;
}

var token = builder.AddAdminToken();
if (builder.ExecutionContext.IsPublishMode)
{
    builder.AddManifest(token);
}
else
{
    var database = builder.AddDatabase(settings);
    var nodes = builder.AddNodes(settings, database, token);
    var balancer = builder.AddBalancer(settings, nodes, token);
    ServiceShutdown.AddTo(builder, [balancer, .. nodes]);
}

return builder.Build().RunToExitCode();
