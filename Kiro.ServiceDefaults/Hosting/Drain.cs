using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>
/// The time between the stop request and closing the listener: the service reports that it is draining and still serves.
/// The host awaits <see cref="StoppingAsync"/> before it stops Kestrel.
/// </summary>
public sealed class Drain(Reloadable<DrainOptions> options, TimeProvider time) : IHostedLifecycleService
{
    private readonly TaskCompletionSource _skipped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    /// <summary>Enough time for a client that has just connected to send its request.</summary>
    private static readonly TimeSpan MinDelayReplaced = TimeSpan.FromSeconds(1);

    private volatile bool _isDraining;
    private volatile bool _isReplaced;

    /// <summary>True once the service was asked to stop.</summary>
    public bool IsDraining => _isDraining;

    /// <summary>The service was asked to stop. Called before anything is closed for that reason, so that a client whose stream
    /// ends never finds the service still reporting itself healthy.</summary>
    public void Begin() => _isDraining = true;

    /// <summary>Whether another process already serves the port, so that the service as a whole remains available.</summary>
    public bool IsReplaced => _isReplaced;

    /// <summary>Another process has taken the port over.</summary>
    public void BeginReplaced()
    {
        _isReplaced = true;
        Begin();
    }

    /// <summary>For Ctrl-C: a stop, even one in progress, only waits for requests in flight.</summary>
    public void SkipDelay() => _skipped.TrySetResult();

    /// <inheritdoc />
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        var delay = options.Value.Delay;
        await _skipped.Task.WaitAsync(IsReplaced && delay < MinDelayReplaced ? MinDelayReplaced : delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>How a service shuts down.</summary>
/// <param name="Delay"><c>DRAIN_DELAY</c>: how long it keeps serving after SIGTERM while its health is "draining",
/// so that clients can switch to other instances first. 0 to 3600 s, default 5 s. Ctrl-C skips it.</param>
/// <param name="Timeout"><c>DRAIN_TIMEOUT</c>: how long requests in flight then have to finish. 1 to 3600 s, default 30 s.</param>
public sealed record DrainOptions(TimeSpan Delay, TimeSpan Timeout)
{
    /// <summary>Reads both variables.</summary>
    public static DrainOptions Read(SettingsReader settings) => new(
        settings.Seconds("DRAIN_DELAY", 5, 0, 3600),
        settings.Seconds("DRAIN_TIMEOUT", 30, 1, 3600));
}

/// <summary>Makes keep-alive clients of a draining service reconnect.</summary>
public static class DrainMiddleware
{
    /// <summary>While the service drains, adds <c>Connection: close</c> to HTTP/1.x responses, and sends GOAWAY on HTTP/2
    /// connections (RFC 9113, section 6.8), whose open streams continue.</summary>
    public static void UseConnectionCloseWhileDraining(this IApplicationBuilder app)
    {
        var drain = app.ApplicationServices.GetRequiredService<Drain>();
        app.Use(next => context =>
        {
            if (drain.IsDraining && HttpProtocol.IsHttp2(context.Request.Protocol))
            {
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            }
            else if (drain.IsDraining)
            {
                context.Response.OnStarting(CloseAsync, context.Response);
            }

            return next(context);
        });
    }

    private static Task CloseAsync(object state)
    {
        var response = (HttpResponse)state;
        // Upgraded connections use this header for the upgrade.
        if (response.StatusCode != StatusCodes.Status101SwitchingProtocols
            && HttpProtocol.IsHttp11(response.HttpContext.Request.Protocol))
        {
            response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
