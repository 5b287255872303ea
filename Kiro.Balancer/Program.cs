using Kiro.Balancer;
using Kiro.ServiceDefaults.Hosting;

return await KiroApplication.RunAsync(args, BalancerSettings.UsualListen, BalancerApplication.Build);
