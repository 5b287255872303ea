using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>What one peer is still to be told of sessions. However long it is away, that is a bit for each slot.</summary>
internal sealed class SessionLink(AskSessions ask, SessionExchange exchange, SessionMemory memory)
{
    private string? _met;

    /// <summary>The slots that it has not been told of.</summary>
    public SlotSet Untold { get; } = new();

    /// <summary>Brings this balancer and a peer that it has not met before into step: it asks for everything, before it may
    /// have clients, and is going to tell everything.</summary>
    /// <param name="peer">The peer's id, which is another one each time that it starts.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="PeerException">The peer cannot be asked.</exception>
    public async Task MeetAsync(string peer, CancellationToken cancellationToken)
    {
        if (peer == _met)
        {
            return;
        }

        foreach (var (slot, _) in memory.All())
        {
            Untold.Add(slot);
        }

        for (int? cursor = 0; cursor is not null;)
        {
            var question = exchange.New();
            question.Cursor = cursor;
            var response = await AskAsync(question, cancellationToken);
            exchange.Hear(response);
            cursor = response.Cursor > cursor ? response.Cursor : null;
        }

        _met = peer;
    }

    /// <summary>Tells it what it has not been told.</summary>
    /// <exception cref="PeerException">The peer cannot be asked. It is told the next time.</exception>
    public async Task TellAsync(CancellationToken cancellationToken)
    {
        List<int> told = [];
        for (int? left = 0; left is not null;)
        {
            told.Clear();
            var message = exchange.New();
            left = exchange.Fill(message, Untold.Take(), told.Add);
            if (left is { } slot)
            {
                Untold.Add(slot);
            }

            if (told.Count == 0)
            {
                return;
            }

            try
            {
                var response = await AskAsync(message, cancellationToken);
                exchange.Hear(response);
                foreach (var (better, _) in response.Slots)
                {
                    memory.Share().Corrected(better.Slot);
                }
            }
            catch
            {
                told.ForEach(Untold.Add);
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
            throw new PeerException("responds with something that cannot be understood");
        }
    }
}
