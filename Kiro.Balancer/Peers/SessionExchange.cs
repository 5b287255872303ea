using Kiro.Balancer.Backends;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Replicates sessions between balancers, so that a client that changes balancers keeps its backend. Each balancer sends the slots that
/// were claimed or used at it; the receiver merges them, and responds with those for which it has a later claim. Lost, repeated and
/// late messages are harmless.
/// </summary>
internal sealed class SessionExchange(
    SessionTable sessions, BackendRegistry registry, OrderBook book, HashingOptions hashing, SessionCounters counters) : IHandoverData
{
    private readonly string _mapping = ClusterView.MappingOf(hashing);

    /// <summary>Creates the link to a peer, and starts tracking what to send to it.</summary>
    /// <param name="ask">Sends it a message.</param>
    public SessionLink LinkTo(AskSessions ask)
    {
        sessions.Share();
        return new SessionLink(ask, this, sessions);
    }

    /// <summary>Responds to an authenticated peer.</summary>
    /// <exception cref="FormatException">The request is invalid.</exception>
    public byte[] Respond(byte[] request)
    {
        var response = New();
        var message = Decoded(request);
        Merge(message, response);
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
    public void Take(byte[] part) => Merge(SessionMessage.Decoded(part));

    /// <summary>Merges a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="response">Receives the slots with later claims here.</param>
    public void Merge(SessionMessage message, SessionMessage? response = null)
    {
        if (message.Mapping != _mapping)
        {
            counters.Refuse(message.Slots.Count);
            return;
        }

        var tenures = registry.TenuresOf(message.Nodes, out var selector);
        List<int> better = [];
        foreach (var (slot, node) in message.Slots)
        {
            if (tenures[node] == Tenure.None)
            {
                counters.Refuse(1);
            }
            else if (sessions.Merge(slot with { Holder = tenures[node] }, message.Nodes[node], selector))
            {
                counters.Merge();
            }
            else
            {
                better.Add(slot.Slot);
            }
        }

        counters.Differ(better.Count);
        if (response is not null)
        {
            Fill(response, better, _ => { });
        }
    }

    /// <summary>An empty message.</summary>
    public SessionMessage New() => new(book.Owner, _mapping);

    /// <summary>Adds slots to a message until it is full.</summary>
    /// <param name="message">The message.</param>
    /// <param name="slots">The slots; not enumerated further once the message is full.</param>
    /// <param name="added">Called with each slot added.</param>
    /// <param name="since">Only slots used within this time; null for all.</param>
    /// <returns>The first slot that did not fit; null if all did.</returns>
    public int? Fill(SessionMessage message, IEnumerable<int> slots, Action<int> added, TimeSpan? since = null)
    {
        var snapshot = registry.Current;
        foreach (var slot in slots)
        {
            if (sessions.Of(slot) is not { } held || held.Age > since?.TotalSeconds * HeldSlot.PerSecond || snapshot.Selector.IndexOf(held.Holder) is not (>= 0 and var index))
            {
                continue;
            }

            if (!message.TryAdd(held, snapshot.Backends[index].Id))
            {
                return slot;
            }

            added(slot);
        }

        return null;
    }

    /// <summary>Encodes a message and counts it.</summary>
    public byte[] Encoded(SessionMessage message)
    {
        var bytes = message.Encoded();
        counters.Send(bytes.Length, message.Slots.Count);
        return bytes;
    }

    /// <summary>Decodes a message and counts it.</summary>
    /// <exception cref="FormatException">The message is invalid.</exception>
    public SessionMessage Decoded(byte[] bytes)
    {
        counters.Receive(bytes.Length);
        return SessionMessage.Decoded(bytes);
    }
}

/// <summary>Sends a sessions message to a peer.</summary>
/// <exception cref="PeerException">There is no response.</exception>
internal delegate Task<byte[]> AskSessions(byte[] message, CancellationToken cancellationToken);

/// <summary>Counters of the session exchange.</summary>
internal sealed class SessionCounters
{
    private long _sent;
    private long _received;
    private long _slotsSent;
    private long _slotsMerged;
    private long _differing;
    private long _refused;

    /// <summary>In bytes.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>In bytes.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Slots sent.</summary>
    public long SlotsSent => Interlocked.Read(ref _slotsSent);

    /// <summary>Slots received and merged.</summary>
    public long SlotsMerged => Interlocked.Read(ref _slotsMerged);

    /// <summary>Slots received for which this balancer had a later claim.</summary>
    public long Differing => Interlocked.Read(ref _differing);

    /// <summary>Slots refused because of different hashing settings, or too many backends.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public void Send(int bytes, int slots)
    {
        Interlocked.Add(ref _sent, bytes);
        Interlocked.Add(ref _slotsSent, slots);
    }

    public void Receive(int bytes) => Interlocked.Add(ref _received, bytes);

    public void Merge() => Interlocked.Increment(ref _slotsMerged);

    public void Differ(int slots) => Interlocked.Add(ref _differing, slots);

    public void Refuse(int slots) => Interlocked.Add(ref _refused, slots);
}
