using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost.Published;

internal static class ExitCode
{
    /// <summary>Runs to the end: 1 when a step of publishing failed, which Aspire only logs.</summary>
    public static int RunToExitCode(this DistributedApplication application)
    {
        var work = application.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
        application.Run();
        return work.Any(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
    }
}
