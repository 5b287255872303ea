using System.Diagnostics;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>Sums what was counted, once a second, so that the requests themselves only count.</summary>
internal sealed class TrafficWatch(BackendRegistry registry, OwnResponses own, TimeProvider time, ILogger<TrafficWatch>? logger = null) : IHostedService, IDisposable
{
    /// <summary>An hour of points.</summary>
    public const int MaxPoints = 3600 / TrafficHistory.PointSeconds;

    /// <summary>What a node's sparkline shows: five minutes.</summary>
    public const int MaxNodePoints = 300 / TrafficHistory.PointSeconds;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _sampling = new();
    private readonly Dictionary<Backend, (TrafficHistory History, BackendTraffic Traffic)> _nodes = [];
    private readonly TrafficHistory _all = new(MaxPoints);
    private TrafficCounts _gone = TrafficCounts.None;
    private DateTimeOffset _pointAt = time.GetUtcNow();
    private ITimer? _timer;

    /// <summary>After each look, for whoever acts on it.</summary>
    public event Action? Sampled;

    /// <summary>All nodes, those that are gone among them, and the balancer's own responses.</summary>
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

    /// <summary>A node; nothing yet of one that joined within the last second.</summary>
    public TrafficReading Of(Backend backend)
    {
        lock (_sampling)
        {
            return TrafficReading.Of(_nodes.GetValueOrDefault(backend).History ?? new TrafficHistory(0), _pointAt);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Look(), null, Period, Period);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void Look()
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
            // Of many nodes most are idle: such a one costs a look, and keeps one set of counts, not one for each sample.
            history.Sample(traffic.Responses == history.Total.Responses ? history.Total : traffic.Sum());
            Judge(known, history.Recent, history.Total.ResponseCounts);
        }

        if (_nodes.Count > backends.Count)
        {
            Leave(_nodes.Keys.Except(backends.Select(known => known.Backend)).ToList());
        }

        var responses = _gone.Responses + own.Responses + _nodes.Values.Sum(node => node.History.Total.Responses);
        if (_all.Sample(responses == _all.Total.Responses ? _all.Total : SumOfAll()))
        {
            _pointAt = time.GetUtcNow();
        }
    }

    // What they answered does not become undone.
    private void Leave(IEnumerable<Backend> gone)
    {
        foreach (var backend in gone)
        {
            _nodes.Remove(backend, out var node);
            _gone = TrafficCounts.Sum([_gone, node.Traffic.Sum()]);
        }
    }

    private TrafficCounts SumOfAll() => TrafficCounts.Sum([_gone, own.Sum(), .. _nodes.Values.Select(node => node.History.Total)]);

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

/// <summary>What came through, at one moment.</summary>
internal sealed record TrafficReading
{
    public required TrafficCounts Total { get; init; }

    public required TrafficCounts Last10Seconds { get; init; }

    public required TrafficCounts Last5Minutes { get; init; }

    /// <summary>Of a node: what it is judged by.</summary>
    public required ResponseCounts Recent { get; init; }

    /// <summary>Of a node: since when it answers too many requests with errors; null when it does not.</summary>
    public required DateTimeOffset? FailingSince { get; init; }

    /// <summary>Points of ten seconds each, oldest first.</summary>
    public required IReadOnlyList<TrafficPoint> Points { get; init; }

    /// <summary>When the newest point ended.</summary>
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

/// <summary>Counts what the balancer itself answers in place of a node: rare, so one cell is enough for all.</summary>
internal sealed class OwnResponses
{
    private readonly TrafficCell _cell = new();

    /// <summary>From any thread.</summary>
    public void Record(int status) => _cell.RecordOwn(status);

    /// <summary>How many there are.</summary>
    public long Responses => _cell.Responses;

    public TrafficCounts Sum() => TrafficCounts.Of([_cell]);
}

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
