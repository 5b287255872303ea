using Kiro.Balancer;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Hosting;

return await KiroApplication.RunAsync(
    args, ListeningOptions.UsualListen, builder => BalancerApplication.Build(builder.WithInlineCompletions()));
