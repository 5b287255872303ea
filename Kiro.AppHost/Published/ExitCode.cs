using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost.Published;

internal static class ExitCode
{
    /// <summary>Runs the application; returns 1 if a publishing step failed, which Aspire only logs.</summary>
    public static int RunToExitCode(this DistributedApplication application)
    {
        // Resolving the pipeline would freeze the resources before the dashboard is added at startup.
        var isPublishing = application.Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode;
        List<BackgroundService> work = isPublishing ? [.. application.Services.GetServices<IHostedService>().OfType<BackgroundService>()] : [];
        application.Run();
        return work.Exists(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
    }
}
