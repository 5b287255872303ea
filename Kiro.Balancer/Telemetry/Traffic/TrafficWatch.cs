using System.Diagnostics;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>Samples the traffic counters once a second, so that requests only have to count.</summary>
internal sealed class TrafficWatch(BackendRegistry registry, OwnResponses own, TimeProvider time, ILogger<TrafficWatch>? logger = null) : IHostedService, IDisposable
{
    /// <summary>An hour.</summary>
    public const int MaxPoints = 3600 / TrafficHistory.PointSeconds;

    /// <summary>Five minutes: the sparkline of a backend.</summary>
    public const int MaxNodePoints = 300 / TrafficHistory.PointSeconds;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _sampling = new();
    private readonly Dictionary<Backend, (TrafficHistory History, BackendTraffic Traffic)> _nodes = [];
    private readonly TrafficHistory _all = new(MaxPoints);
    private TrafficCounts _removed = TrafficCounts.None;
    private DateTimeOffset _pointAt = time.GetUtcNow();
    private ITimer? _timer;

    /// <summary>Raised after each sample.</summary>
    public event Action? Sampled;

    /// <summary>All backends, including removed ones, and the balancer's own responses.</summary>
    public TrafficReading All
    {
        get
        {
            lock (_sampling)
            {
                return TrafficReading.Of(_all, _pointAt);
            }
        }
    }

    /// <summary>One backend; empty if it joined within the last second.</summary>
    public TrafficReading Of(Backend backend)
    {
        lock (_sampling)
        {
            return TrafficReading.Of(_nodes.GetValueOrDefault(backend).History ?? new TrafficHistory(0), _pointAt);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => SampleAll(), null, Period, Period);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void SampleAll()
    {
        lock (_sampling)
        {
            Sample(registry.Current.Backends);
        }

        Sampled?.Invoke();
    }

    private void Sample(IReadOnlyList<KnownBackend> backends)
    {
        foreach (var known in backends)
        {
            if (!_nodes.TryGetValue(known.Backend, out var node))
            {
                _nodes[known.Backend] = node = (new TrafficHistory(MaxNodePoints), registry.Runtimes.Of(known.Backend).Traffic);
            }

            var (history, traffic) = node;
            // Most of many backends are idle: these cost one comparison, and share one set of counts among all samples.
            history.Sample(traffic.Responses == history.Total.Responses ? history.Total : traffic.Sum());
            Judge(known, history.Recent, history.Total.ResponseCounts);
        }

        if (_nodes.Count > backends.Count)
        {
            Remove(_nodes.Keys.Except(backends.Select(known => known.Backend)).ToList());
        }

        var responses = _removed.Responses + own.Responses + _nodes.Values.Sum(node => node.History.Total.Responses);
        if (_all.Sample(responses == _all.Total.Responses ? _all.Total : SumOfAll()))
        {
            _pointAt = time.GetUtcNow();
        }
    }

    // Their responses still count.
    private void Remove(IEnumerable<Backend> gone)
    {
        foreach (var backend in gone)
        {
            _nodes.Remove(backend, out var node);
            _removed = TrafficCounts.Sum([_removed, node.Traffic.Sum()]);
        }
    }

    private TrafficCounts SumOfAll() => TrafficCounts.Sum([_removed, own.Sum(), .. _nodes.Values.Select(node => node.History.Total)]);

    private void Judge(KnownBackend known, RecentResponses recent, ResponseCounts total)
    {
        var wasFailing = recent.FailingSince is not null;
        var isUp = known.State == BackendState.Up;
        recent.Sample(total, isUp ? known.Health.Since.Uptime : null, time.GetUtcNow());
        var isFailing = recent.FailingSince is not null;
        if (isUp && wasFailing != isFailing)
        {
            logger?.ConditionChanged(known, isFailing ? "failing: " + Outliers.Fault(recent.Counts) : "no longer failing");
        }
    }
}

/// <summary>Traffic at one moment.</summary>
internal sealed record TrafficReading
{
    public required TrafficCounts Total { get; init; }

    public required TrafficCounts Last10Seconds { get; init; }

    public required TrafficCounts Last5Minutes { get; init; }

    /// <summary>Of a backend: what it is judged by.</summary>
    public required ResponseCounts Recent { get; init; }

    /// <summary>Of a backend: since when it has been failing; null if it is not.</summary>
    public required DateTimeOffset? FailingSince { get; init; }

    /// <summary>Points of ten seconds, oldest first.</summary>
    public required IReadOnlyList<TrafficPoint> Points { get; init; }

    /// <summary>When the newest point was completed.</summary>
    public required DateTimeOffset PointAt { get; init; }

    internal static TrafficReading Of(TrafficHistory history, DateTimeOffset pointAt) => new()
    {
        Total = history.Total,
        Last10Seconds = history.Last10Seconds,
        Last5Minutes = history.Last5Minutes,
        Recent = history.Recent.Counts,
        FailingSince = history.Recent.FailingSince,
        Points = history.Points,
        PointAt = pointAt,
    };
}

/// <summary>Counts the balancer's own responses. They are rare, so one cell suffices.</summary>
internal sealed class OwnResponses
{
    private readonly TrafficCell _cell = new();

    /// <summary>Thread-safe.</summary>
    public void Record(int status) => _cell.RecordOwn(status);

    public long Responses => _cell.Responses;

    public TrafficCounts Sum() => TrafficCounts.Of([_cell]);
}

/// <summary>Counts the requests that Kestrel refuses while parsing the head, which it reports in a diagnostic event only.</summary>
internal sealed class KestrelRefusals(DiagnosticListener events, OwnResponses own) : IHostedService, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string BadRequest = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    private IDisposable? _subscription;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // Only this event: others would be raised for every request.
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
        // The host stops.
    }

    public void OnError(Exception error)
    {
        // Never raised.
    }
}
