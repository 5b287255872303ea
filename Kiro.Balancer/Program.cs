using Kiro.Balancer;
using Kiro.ServiceDefaults.Hosting;

return await KiroApplication.RunAsync(
    args, BalancerSettings.UsualListen, builder => BalancerApplication.Build(builder.WithInlineCompletions()));
