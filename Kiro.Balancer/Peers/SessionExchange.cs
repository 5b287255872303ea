using Kiro.Balancer.Backends;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Balancers tell each other which slots have sessions where, so that a client which changes balancers meets the node that it
/// had. Each tells what was claimed and used with it; the other takes it, and responds with what it knows better. Nothing that
/// is lost, repeated or comes late does harm.
/// </summary>
internal sealed class SessionExchange(
    SessionMemory memory, BackendRegistry registry, OrderBook book, HashingOptions hashing, SessionCounters counters) : IHandoverData
{
    private readonly string _mapping = ClusterView.MappingOf(hashing);

    /// <summary>There is a peer: from now on it is noted what it is to be told.</summary>
    /// <param name="ask">Sends it a message.</param>
    public SessionLink LinkTo(AskSessions ask)
    {
        memory.Share();
        return new SessionLink(ask, this, memory);
    }

    /// <summary>Responds to a peer that has the admin token.</summary>
    /// <exception cref="FormatException">The request is no message.</exception>
    public byte[] Respond(byte[] request)
    {
        var response = New();
        var message = Decoded(request);
        Hear(message, response);
        if (message.Cursor is { } first)
        {
            response.Cursor = Fill(response, Enumerable.Range(first, ClientHash.SlotCount - first), _ => { });
        }

        return Encoded(response);
    }

    /// <inheritdoc />
    public IEnumerable<byte[]> Parts(TimeSpan? since)
    {
        for (int? first = 0; first is { } next;)
        {
            var part = New();
            first = Fill(part, Enumerable.Range(next, ClientHash.SlotCount - next), _ => { }, since);
            if (part.Slots.Count > 0)
            {
                yield return part.Encoded();
            }
        }
    }

    /// <inheritdoc />
    public void Take(byte[] part) => Hear(SessionMessage.Decoded(part));

    /// <summary>Takes what was told.</summary>
    /// <param name="message">What was told.</param>
    /// <param name="response">Gets what this balancer knows better.</param>
    public void Hear(SessionMessage message, SessionMessage? response = null)
    {
        if (message.Mapping != _mapping)
        {
            counters.Refuse(message.Slots.Count);
            return;
        }

        var tenures = registry.TenuresOf(message.Nodes, out var selector);
        List<int> better = [];
        foreach (var (told, node) in message.Slots)
        {
            if (tenures[node] == Tenure.None)
            {
                counters.Refuse(1);
            }
            else if (memory.Hear(told with { Holder = tenures[node] }, message.Nodes[node], selector))
            {
                counters.Hear();
            }
            else
            {
                better.Add(told.Slot);
            }
        }

        counters.Differ(better.Count);
        if (response is not null)
        {
            Fill(response, better, _ => { });
        }
    }

    /// <summary>A message from this balancer.</summary>
    public SessionMessage New() => new(book.Owner, _mapping);

    /// <summary>Tells what is known of slots, as far as there is room.</summary>
    /// <param name="message">Gets it.</param>
    /// <param name="slots">The slots. None is asked for after the message is full.</param>
    /// <param name="told">Gets those that it tells of.</param>
    /// <param name="since">Only those that were used so long ago at most; null for all.</param>
    /// <returns>The slot for which there was no room; null when there was room for all.</returns>
    public int? Fill(SessionMessage message, IEnumerable<int> slots, Action<int> told, TimeSpan? since = null)
    {
        var snapshot = registry.Current;
        foreach (var slot in slots)
        {
            if (memory.Of(slot) is not { } held || held.Age > since?.TotalSeconds * HeldSlot.PerSecond || snapshot.Selector.PlaceOf(held.Holder) is not (>= 0 and var place))
            {
                continue;
            }

            if (!message.TryAdd(held, snapshot.Backends[place].Id))
            {
                return slot;
            }

            told(slot);
        }

        return null;
    }

    /// <summary>For the wire, and counted.</summary>
    public byte[] Encoded(SessionMessage message)
    {
        var bytes = message.Encoded();
        counters.Send(bytes.Length, message.Slots.Count);
        return bytes;
    }

    /// <summary>From the wire, and counted.</summary>
    /// <exception cref="FormatException">It is no message.</exception>
    public SessionMessage Decoded(byte[] bytes)
    {
        counters.Receive(bytes.Length);
        return SessionMessage.Decoded(bytes);
    }
}

/// <summary>Sends a message about sessions to a peer.</summary>
/// <exception cref="PeerException">There is no response.</exception>
internal delegate Task<byte[]> AskSessions(byte[] message, CancellationToken cancellationToken);

/// <summary>What balancers tell each other of sessions, counted.</summary>
internal sealed class SessionCounters
{
    private long _sent;
    private long _received;
    private long _told;
    private long _heard;
    private long _differing;
    private long _refused;

    /// <summary>Bytes of messages.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes of messages.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Slots.</summary>
    public long Told => Interlocked.Read(ref _told);

    /// <summary>Slots that were taken as told.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>Slots that this balancer knew better.</summary>
    public long Differing => Interlocked.Read(ref _differing);

    /// <summary>Slots of balancers with other hashing settings, or whose node was one too many.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public void Send(int bytes, int slots)
    {
        Interlocked.Add(ref _sent, bytes);
        Interlocked.Add(ref _told, slots);
    }

    public void Receive(int bytes) => Interlocked.Add(ref _received, bytes);

    public void Hear() => Interlocked.Increment(ref _heard);

    public void Differ(int slots) => Interlocked.Add(ref _differing, slots);

    public void Refuse(int slots) => Interlocked.Add(ref _refused, slots);
}
