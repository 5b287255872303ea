using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Peers;

/// <summary>Another balancer: synchronizes with it at intervals, and early after a local change.</summary>
internal sealed class Peer
{
    /// <summary>Between exchanges, with 10 % jitter, so that balancers that start together do not stay in lockstep.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly AskPeer _ask;
    private readonly PeerExchange _exchange;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<Difference, long> _since = [];
    private readonly long _start;
    private volatile PeerState _state;
    private ClusterView _view = ClusterView.Unknown;
    private long _newestSent;

    /// <param name="address">Its address.</param>
    /// <param name="ask">Sends it an orders message.</param>
    /// <param name="exchange">Synchronizes the orders.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Logs when it becomes reachable or unreachable.</param>
    /// <param name="sessions">Synchronizes sessions; null without session affinity.</param>
    public Peer(PeerAddress address, AskPeer ask, PeerExchange exchange, TimeProvider time, ILogger logger, SessionLink? sessions = null)
    {
        (Address, _ask, _exchange, _time, _logger, Sessions) = (address, ask, exchange, time, logger, sessions);
        _start = time.GetTimestamp();
        _state = new PeerState { Since = _start };
    }

    public PeerAddress Address { get; }

    public PeerState State => _state;

    /// <summary>Null without session affinity.</summary>
    public SessionLink? Sessions { get; }

    /// <summary>Whether to send it sessions: also while it is unreachable, if it was reachable before.</summary>
    public bool KeepsSessions => Sessions is not null && _state.Knowledge is { IsSelf: false, Response.SessionIdle: > 0 };

    /// <summary>The number of slots still to be sent; null if it is not sent sessions.</summary>
    public int? PendingSessions => KeepsSessions ? Sessions!.Pending.Count : null;

    /// <summary>Requests an exchange without waiting for the interval.</summary>
    public WakeSignal SyncNow { get; } = new();

    /// <summary>Synchronizes until cancelled.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await SyncNow.WaitAsync(Interval * (0.9 + (0.2 * Random.Shared.NextDouble())), _time, stopping);
                await ExchangeAsync(stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Shutdown, or the peer was removed.
        }
    }

    /// <summary>Synchronizes once.</summary>
    public async Task ExchangeAsync(CancellationToken stopping)
    {
        try
        {
            var knowledge = await _exchange.RunAsync(_ask, _newestSent, _view, stopping);
            (_newestSent, _view) = (knowledge.NewestSent, knowledge.View);
            if (!_state.IsReachable && !knowledge.IsSelf)
            {
                _logger.PeerReachable(Address);
            }

            _state = new PeerState
            {
                Knowledge = knowledge,
                LastHeard = _time.GetUtcNow(),
                Since = _state.IsReachable ? _state.Since : _time.GetTimestamp(),
                Persistent = Persistent(knowledge.Differences),
            };
            if (KeepsSessions && knowledge.Response.From is { } peer)
            {
                await Sessions!.SyncAllAsync(peer, stopping);
            }
        }
        catch (PeerException problem)
        {
            if (_state.Problem != problem.Message)
            {
                _logger.PeerUnreachable(Address, problem.Message);
            }

            _since.Clear();
            _state = _state with
            {
                Problem = problem.Message,
                Since = _state.Problem is null && _state.IsReachable ? _time.GetTimestamp() : _state.Since,
                Persistent = [],
            };
        }
        catch (Exception problem) when (!stopping.IsCancellationRequested)
        {
            _logger.PeerBroke(problem, Address);
        }
    }

    // Differences are timed one by one: balancers always differ in something for as long as a probe takes.
    private List<Difference> Persistent(IReadOnlyList<Difference> differences)
    {
        var now = _time.GetTimestamp();
        foreach (var gone in _since.Keys.Except(differences).ToList())
        {
            _since.Remove(gone);
        }

        foreach (var difference in differences)
        {
            _since.TryAdd(difference, now);
        }

        return [.. differences.Where(difference => _time.GetElapsedTime(_since[difference], now) >= PeerState.GracePeriod)];
    }
}

/// <summary>The state of a peer. Immutable.</summary>
internal sealed record PeerState
{
    /// <summary>Problems that last longer cause a warning.</summary>
    public static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(30);

    /// <summary>From the last successful exchange; null before the first.</summary>
    public PeerKnowledge? Knowledge { get; init; }

    /// <summary>When that was; null before the first.</summary>
    public DateTimeOffset? LastHeard { get; init; }

    /// <summary>Why the last exchange failed, as a predicate to its name; null if it did not.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether the last exchange succeeded.</summary>
    public bool IsReachable => Knowledge is not null && Problem is null;

    /// <summary>Since when that is so, as a timestamp.</summary>
    public required long Since { get; init; }

    /// <summary>Differences that have lasted longer than <see cref="GracePeriod"/>.</summary>
    public IReadOnlyList<Difference> Persistent { get; init; } = [];
}
