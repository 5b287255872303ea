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
