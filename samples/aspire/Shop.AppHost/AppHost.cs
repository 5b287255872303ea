var builder = DistributedApplication.CreateBuilder(args);

// Three replicas, and a fourth node for a busy day: start it in the dashboard.
var shop = builder.AddProject<Projects.Shop_Web>("shop").WithHttpEndpoint().WithReplicas(3);
var spare = builder.AddProject<Projects.Shop_Web>("spare").WithHttpEndpoint().WithExplicitStart();

builder.AddKiroBalancer("lb")
    .WithNodes(shop)
    .WithNodes(spare)
    .WithDrainCommands();

builder.Build().Run();
