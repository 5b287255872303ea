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

/// <summary>The sessions still to be sent to a peer: one bit per slot, however long it is unreachable.</summary>
internal sealed class SessionLink(AskSessions ask, SessionExchange exchange, SessionTable sessions)
{
    private string? _synced;

    public SlotSet Pending { get; } = new();

    /// <summary>Fully synchronizes with a peer that has (re)started: fetches all of its sessions, before this balancer may have clients,
    /// and queues all of its own.</summary>
    /// <param name="peer">The peer's id, which changes with each start.</param>
    /// <param name="cancellationToken">Cancels the synchronization.</param>
    /// <exception cref="PeerException">The exchange failed.</exception>
    public async Task SyncAllAsync(string peer, CancellationToken cancellationToken)
    {
        if (peer == _synced)
        {
            return;
        }

        foreach (var (slot, _) in sessions.All())
        {
            Pending.Add(slot);
        }

        for (int? cursor = 0; cursor is not null;)
        {
            var request = exchange.New();
            request.Cursor = cursor;
            var response = await AskAsync(request, cancellationToken);
            exchange.Merge(response);
            cursor = response.Cursor > cursor ? response.Cursor : null;
        }

        _synced = peer;
    }

    /// <summary>Sends the pending slots.</summary>
    /// <exception cref="PeerException">The exchange failed; the slots stay pending.</exception>
    public async Task PushAsync(CancellationToken cancellationToken)
    {
        List<int> sent = [];
        for (int? left = 0; left is not null;)
        {
            sent.Clear();
            var message = exchange.New();
            left = exchange.Fill(message, Pending.Take(), sent.Add);
            if (left is { } slot)
            {
                Pending.Add(slot);
            }

            if (sent.Count == 0)
            {
                return;
            }

            try
            {
                var response = await AskAsync(message, cancellationToken);
                exchange.Merge(response);
                foreach (var (better, _) in response.Slots)
                {
                    sessions.Share().Corrected(better.Slot);
                }
            }
            catch
            {
                sent.ForEach(Pending.Add);
                throw;
            }
        }
    }

    private async Task<SessionMessage> AskAsync(SessionMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return exchange.Decoded(await ask(exchange.Encoded(message), cancellationToken));
        }
        catch (FormatException)
        {
            throw new PeerException("sends an invalid response");
        }
    }
}
