using Kiro.AppHost;
using Kiro.AppHost.Export;
using Kiro.AppHost.Published;

var builder = DistributedApplication.CreateBuilder(args);
if (ExportSettings.Read(builder) is not { } export)
{
    return 1;
}

var token = builder.AddAdminToken();
var nodes = builder.PublishNodes(export, token);
var balancer = builder.PublishBalancer(export, nodes, token);
if (export == ExportKind.Kubernetes)
{
    builder.AddChart(balancer, nodes.Single());
}
else
{
    builder.AddComposeFiles(export, balancer, nodes);
}

return builder.Build().RunToExitCode();
