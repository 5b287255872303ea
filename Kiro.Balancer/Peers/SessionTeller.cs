using Kiro.Balancer.Logging;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Tells the peers every second which slots were claimed, and in turn, each once in an eighth of <c>SESSION_IDLE</c>, which
/// were used. So nobody's session ends with one balancer while it goes on with another, and a million busy clients cost no more than
/// a million slots in that time.
/// </summary>
internal sealed class SessionTeller(SessionMemory memory, PeerSet peers, TimeProvider time, ILogger<SessionTeller> logger) : BackgroundService
{
    /// <summary>How often they are told.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>For the last words of a balancer that stops.</summary>
    public static readonly TimeSpan MaxEnd = TimeSpan.FromSeconds(2);

    private const int Turns = 8;

    private readonly Dictionary<SessionLink, Task> _telling = [];
    private readonly int _step = (int)Math.Ceiling(ClientHash.SlotCount * Math.Min(1, Turns * Interval / memory.Idle));
    private int _next;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Tell(_step, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(_telling.Values);
            using var limit = new CancellationTokenSource(MaxEnd, time);
            Tell(ClientHash.SlotCount, limit.Token);
            await Task.WhenAll(_telling.Values);
        }
    }

    private void Tell(int slots, CancellationToken stoppingToken)
    {
        var links = peers.Links;
        if (links.Count == 0)
        {
            return;
        }

        for (var left = slots; left > 0;)
        {
            var end = Math.Min(_next + left, ClientHash.SlotCount);
            memory.Collect(_next, end, [.. links.Select(link => link.Untold)]);
            (left, _next) = (left - (end - _next), end % ClientHash.SlotCount);
        }

        foreach (var gone in _telling.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToList())
        {
            _telling.Remove(gone);
        }

        // One that takes longer than a second is told the rest the next time.
        foreach (var peer in peers.All.Where(peer => peer.KeepsSessions && !_telling.ContainsKey(peer.Sessions!)))
        {
            _telling.Add(peer.Sessions!, TellAsync(peer, stoppingToken));
        }
    }

    private async Task TellAsync(Peer peer, CancellationToken stoppingToken)
    {
        try
        {
            await peer.Sessions!.TellAsync(stoppingToken);
        }
        catch (PeerException)
        {
            // That it does not respond shows when it is asked for orders.
        }
        catch (Exception problem)
        {
            if (!stoppingToken.IsCancellationRequested)
            {
                logger.PeerBroke(problem, peer.Address);
            }
        }
    }
}
