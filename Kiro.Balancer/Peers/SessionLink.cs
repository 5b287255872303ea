using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

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
