using Kiro.Balancer;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Takeover;
using Kiro.ServiceDefaults.Hosting;

return await KiroApplication.RunAsync(
    args, "Kiro's balancer: sends every client to its own node of a replicated HTTP API.", ListeningOptions.DefaultListen,
    builder => BalancerApplication.Build(builder.WithInlineCompletions()), TakeoverServices.Switch);
