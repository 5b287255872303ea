using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>Counts requests whose head Kestrel cannot read: it answers them before anybody else sees them, and tells of it in an
/// event.</summary>
internal sealed class KestrelRefusals(DiagnosticListener events, OwnResponses own) : IHostedService, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private IDisposable? _subscription;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Only this one: others would be made for every request.
        _subscription = events.Subscribe(this, name => name == BadRequest);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _subscription?.Dispose();

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is IFeatureCollection request && request.Get<IBadRequestExceptionFeature>()?.Error is BadHttpRequestException refused)
        {
            own.Record(refused.StatusCode);
        }
    }

    public void OnCompleted()
    {
        // The host ends.
    }

    public void OnError(Exception error)
    {
        // It never does.
    }
}
