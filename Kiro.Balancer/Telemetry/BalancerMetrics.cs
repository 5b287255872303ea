using System.Diagnostics.Metrics;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;

namespace Kiro.Balancer.Telemetry;

/// <summary>The balancer's own metrics. They are read when somebody scrapes; a request pays for none of them.</summary>
internal sealed class BalancerMetrics : IHostedService, IDisposable
{
    public const string MeterName = "Kiro.Balancer";

    private readonly Meter _meter;

    public BalancerMetrics(IMeterFactory meters, BackendRegistry registry, ForwardingCounters counters)
    {
        _meter = meters.Create(MeterName);
        _meter.CreateObservableCounter("kiro.balancer.requests", () => counters.Requests, "{request}", "Requests of clients");
        _meter.CreateObservableCounter("kiro.balancer.retries", () => counters.Retries, "{request}", "Tries after a first one");
        _meter.CreateObservableCounter("kiro.balancer.errors", () => counters.Errors, "{request}", "Requests that no node answered");
        _meter.CreateObservableUpDownCounter("kiro.balancer.backends", () => ByState(registry), "{node}", "Nodes by state");
        _meter.CreateObservableCounter("kiro.backend.requests", () => Each(registry, backend => backend.Counters.Requests), "{request}", "Requests given to a node, each try counted");
        _meter.CreateObservableCounter("kiro.backend.failures", () => Each(registry, backend => backend.Counters.Failures), "{request}", "Requests that a node did not answer");
        _meter.CreateObservableUpDownCounter("kiro.backend.in_flight", () => Each(registry, backend => backend.Counters.InFlight), "{request}", "Requests under way at a node");
        _meter.CreateObservableGauge("kiro.backend.up", () => Each(registry, backend => backend.Health.State == BackendState.Up ? 1L : 0L), null, "1 while a node is up");
        _meter.CreateObservableGauge("kiro.backend.probe.duration", () => ProbeDurations(registry), "s", "Duration of a node's last answered probe");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> ByState(BackendRegistry registry) =>
        Enum.GetValues<BackendState>().Select(state => new Measurement<long>(
            registry.Current.Backends.Count(backend => backend.Health.State == state),
            new KeyValuePair<string, object?>("state", state.ToString().ToLowerInvariant())));

    private static IEnumerable<Measurement<long>> Each(BackendRegistry registry, Func<Backend, long> value) =>
        registry.Current.Backends.Select(backend => new Measurement<long>(value(backend), Tag(backend)));

    private static IEnumerable<Measurement<double>> ProbeDurations(BackendRegistry registry) =>
        from backend in registry.Current.Backends
        let latency = backend.Health.Latency
        where latency is not null
        select new Measurement<double>(latency.Value.TotalSeconds, Tag(backend));

    private static KeyValuePair<string, object?> Tag(Backend backend) => new("backend", backend.Id);
}
