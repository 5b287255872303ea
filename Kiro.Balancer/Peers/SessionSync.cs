using Kiro.Balancer.Logging;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Sends claimed slots to the peers every second, and used slots once in an eighth of <c>SESSION_IDLE</c>: sessions do not expire at one
/// balancer while they are in use at another, and the cost is bounded by the number of slots.
/// </summary>
internal sealed class SessionSync(SessionTable sessions, PeerSet peers, TimeProvider time, ILogger<SessionSync> logger) : BackgroundService
{
    /// <summary>Between messages.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>For the final message at shutdown.</summary>
    public static readonly TimeSpan MaxEnd = TimeSpan.FromSeconds(2);

    private const int RoundsPerIdle = 8;

    private readonly Dictionary<SessionLink, Task> _sending = [];
    private readonly int _step = (int)Math.Ceiling(ClientHash.SlotCount * Math.Min(1, RoundsPerIdle * Interval / sessions.Idle));
    private int _next;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Send(_step, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(_sending.Values);
            using var limit = new CancellationTokenSource(MaxEnd, time);
            Send(ClientHash.SlotCount, limit.Token);
            await Task.WhenAll(_sending.Values);
        }
    }

    private void Send(int slots, CancellationToken stoppingToken)
    {
        var links = peers.Links;
        if (links.Count == 0)
        {
            return;
        }

        for (var left = slots; left > 0;)
        {
            var end = Math.Min(_next + left, ClientHash.SlotCount);
            sessions.Collect(_next, end, [.. links.Select(link => link.Pending)]);
            (left, _next) = (left - (end - _next), end % ClientHash.SlotCount);
        }

        foreach (var gone in _sending.Where(one => one.Value.IsCompleted).Select(one => one.Key).ToList())
        {
            _sending.Remove(gone);
        }

        // A slow peer gets the rest once its current message is done.
        foreach (var peer in peers.All.Where(peer => peer.KeepsSessions && !_sending.ContainsKey(peer.Sessions!)))
        {
            _sending.Add(peer.Sessions!, PushAsync(peer, stoppingToken));
        }
    }

    private async Task PushAsync(Peer peer, CancellationToken stoppingToken)
    {
        try
        {
            await peer.Sessions!.PushAsync(stoppingToken);
        }
        catch (PeerException)
        {
            // The orders exchange reports that.
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
