using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Peers;

/// <summary>Another balancer: asks it again and again, and at once when there is something to tell.</summary>
internal sealed class Peer
{
    /// <summary>Between two exchanges, ± 10 %, so that balancers which start together do not ask together for ever.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly AskPeer _ask;
    private readonly PeerExchange _exchange;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<Difference, long> _since = [];
    private readonly long _start;
    private volatile PeerState _state;
    private ClusterView _view = ClusterView.Unknown;
    private long _told;

    /// <param name="address">Where it is.</param>
    /// <param name="ask">Sends it a message about orders.</param>
    /// <param name="exchange">What to do with the response.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told when it can or cannot be reached.</param>
    /// <param name="sessions">What it is told of sessions; null where they do not stay.</param>
    public Peer(PeerAddress address, AskPeer ask, PeerExchange exchange, TimeProvider time, ILogger logger, SessionLink? sessions = null)
    {
        (Address, _ask, _exchange, _time, _logger, Sessions) = (address, ask, exchange, time, logger, sessions);
        _start = time.GetTimestamp();
        _state = new PeerState { Since = _start };
    }

    public PeerAddress Address { get; }

    /// <summary>What is known of it.</summary>
    public PeerState State => _state;

    /// <summary>What it is told of sessions; null where they do not stay.</summary>
    public SessionLink? Sessions { get; }

    /// <summary>Whether it is to be told of sessions. One that could be asked once is waited for.</summary>
    public bool KeepsSessions => Sessions is not null && _state.Knowledge is { IsSelf: false, Response.SessionIdle: > 0 };

    /// <summary>How many slots it is still to be told of; null when it is told nothing of sessions.</summary>
    public int? UntoldSessions => KeepsSessions ? Sessions!.Untold.Count : null;

    /// <summary>Set when there is something to tell it.</summary>
    public WakeSignal TellNow { get; } = new();

    /// <summary>Asks it until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await TellNow.WaitAsync(Interval * (0.9 + (0.2 * Random.Shared.NextDouble())), _time, stopping);
                await ExchangeAsync(stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The balancer stops, or the peer is none any more.
        }
    }

    /// <summary>Asks it once.</summary>
    public async Task ExchangeAsync(CancellationToken stopping)
    {
        try
        {
            var knowledge = await _exchange.RunAsync(_ask, _told, _view, stopping);
            (_told, _view) = (knowledge.Told, knowledge.View);
            if (!_state.IsReachable && !knowledge.IsSelf)
            {
                _logger.PeerReachable(Address);
            }

            _state = new PeerState
            {
                Knowledge = knowledge,
                LastHeard = _time.GetUtcNow(),
                Since = _state.IsReachable ? _state.Since : _time.GetTimestamp(),
                Lasting = Lasting(knowledge.Differences),
            };
            if (KeepsSessions && knowledge.Response.From is { } peer)
            {
                await Sessions!.MeetAsync(peer, stopping);
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
                Lasting = [],
            };
        }
        catch (Exception problem) when (!stopping.IsCancellationRequested)
        {
            _logger.PeerBroke(problem, Address);
        }
    }

    // Each difference has a clock of its own: balancers differ all the time about something, for as long as a probe takes.
    private List<Difference> Lasting(IReadOnlyList<Difference> differences)
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

        return [.. differences.Where(difference => _time.GetElapsedTime(_since[difference], now) >= PeerState.Patience)];
    }
}

/// <summary>What is known of a peer at one moment; replaced, never changed.</summary>
internal sealed record PeerState
{
    /// <summary>What lasts so long is worth a warning.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>What it told last; null when it never did.</summary>
    public PeerKnowledge? Knowledge { get; init; }

    /// <summary>When that was; null when it never did.</summary>
    public DateTimeOffset? LastHeard { get; init; }

    /// <summary>Why it could not be asked, in words that follow its name; null when it could.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether it could be asked the last time.</summary>
    public bool IsReachable => Knowledge is not null && Problem is null;

    /// <summary>Since when that is so, as a timestamp.</summary>
    public required long Since { get; init; }

    /// <summary>What it has seen otherwise than this balancer for longer than <see cref="Patience"/>.</summary>
    public IReadOnlyList<Difference> Lasting { get; init; } = [];
}
