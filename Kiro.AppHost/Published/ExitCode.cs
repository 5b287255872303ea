using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.AppHost.Published;

internal static class ExitCode
{
    /// <summary>Runs to the end: 1 when a step of publishing failed, which Aspire only logs.</summary>
    public static int RunToExitCode(this DistributedApplication application)
    {
        // To make what runs the model is to fix its resources, and the dashboard becomes one of them only at the start.
        var isPublishing = application.Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode;
        List<BackgroundService> work = isPublishing ? [.. application.Services.GetServices<IHostedService>().OfType<BackgroundService>()] : [];
        application.Run();
        return work.Exists(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
    }
}
