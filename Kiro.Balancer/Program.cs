using Kiro.Balancer;
using Kiro.ServiceDefaults.Hosting;

InlineCompletions.Enable();
return await KiroApplication.RunAsync(args, BalancerSettings.UsualListen, BalancerApplication.Build);
