using Kiro.AppHost;
using Kiro.AppHost.Export;
using Kiro.AppHost.Settings;

var builder = DistributedApplication.CreateBuilder(args);
if (AppHostSettings.Read(builder) is not { } settings)
{
    return 1;
}

var token = builder.AddAdminToken();
var database = builder.AddDatabase(settings);
var nodes = builder.AddNodes(settings, database, token);
var balancer = builder.AddBalancer(settings, nodes, token);
nodes.AddCommands(balancer, token);
builder.AddExport(settings, balancer, nodes);

builder.Build().Run();
return 0;
