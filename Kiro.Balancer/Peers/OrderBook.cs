using System.Security.Cryptography;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Peers;

/// <summary>
/// The orders in force: of each kind the last one about a node. An order about a node that is not known waits for it, at
/// most <see cref="MaxWait"/> since somebody who knows the node last told of it, and at most <see cref="MaxWaiting"/> do.
/// Orders about known nodes are as many as there are nodes and kinds. A balancer tells its peers of known nodes only, so
/// that what everybody has forgotten stays forgotten.
/// </summary>
internal sealed class OrderBook(TimeProvider time) : IStandingOrders
{
    /// <summary>Orders about nodes that are not known, or of kinds that only newer versions know.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>Longer than balancers need to find the same nodes.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(10);

    /// <summary>A date that is further ahead of this machine's clock is not believed, or it would win for as long.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly HybridClock _clock = new(time);
    private readonly Dictionary<(string Backend, string Kind), Entry> _entries = [];
    private readonly HashSet<string> _known = [];
    private long _refused;

    /// <summary>Raised after a change, on the thread that made it.</summary>
    public event Action? Changed;

    /// <summary>Names this balancer in its orders: another one each time it starts.</summary>
    public string Owner { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Orders that were not taken: malformed, dated too far ahead, or one too many.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>How many orders there are, those that wait too.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>All orders, those that wait too.</summary>
    public IReadOnlyList<Order> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries.Values.Select(entry => entry.Order)];
            }
        }
    }

    /// <summary>An operator gives an order here and now.</summary>
    public Order Give(string backend, string kind, string? value)
    {
        Order order;
        lock (_lock)
        {
            order = new Order(backend, kind, value, _clock.Next(), Owner);
            Put(order);
        }

        Changed?.Invoke();
        return order;
    }

    /// <summary>Takes orders that were given elsewhere, in any order and any number of times.</summary>
    /// <returns>Those that are in force now and were not before.</returns>
    public IReadOnlyList<Order> Take(IEnumerable<Order> orders)
    {
        var latest = HybridClock.DateOf(time.GetUtcNow() + MaxAhead);
        return Take(orders, order => order.Date <= latest);
    }

    /// <summary>Takes orders that this machine has kept, whatever its clock says now.</summary>
    public IReadOnlyList<Order> Restore(IEnumerable<Order> orders) => Take(orders, _ => true);

    /// <summary>What is told to peers, in little.</summary>
    public OrderDigest Digest()
    {
        lock (_lock)
        {
            return DigestOfTold();
        }
    }

    /// <summary>Compares with what a peer has.</summary>
    /// <param name="theirs">Its digest.</param>
    /// <param name="max">As many orders at most; those of whole buckets, beginning anywhere.</param>
    public (OrderDigest Mine, IReadOnlyList<Order> Differing) Against(OrderDigest theirs, int max)
    {
        lock (_lock)
        {
            var (mine, start) = (DigestOfTold(), Random.Shared.Next(OrderDigest.Buckets));
            return (mine,
            [
                .. Told().Where(order => mine.Differs(theirs, OrderDigest.BucketOf(order.Backend)))
                    .OrderBy(order => (OrderDigest.BucketOf(order.Backend) + start) % OrderDigest.Buckets).Take(max),
            ]);
        }
    }

    /// <summary>The orders after a date, newest first, for a peer that has the others.</summary>
    public IReadOnlyList<Order> After(long date, int max)
    {
        lock (_lock)
        {
            return [.. Told().Where(order => order.Date > date).OrderByDescending(order => order.Date).Take(max)];
        }
    }

    /// <summary>Forgets orders that have waited too long. With no node known at all it is discovery that they wait for.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            foreach (var (key, entry) in _known.Count == 0 ? [] : _entries.Where(pair => IsWaiting(pair.Value.Order)).ToList())
            {
                if (time.GetElapsedTime(entry.Heard) > MaxWait)
                {
                    _entries.Remove(key);
                }
            }
        }
    }

    /// <inheritdoc />
    public KnownBackend Joined(KnownBackend newcomer)
    {
        lock (_lock)
        {
            _known.Add(newcomer.Id);
            var drain = DrainOrder.Parse(ValueOf(newcomer.Id, Order.Drain));
            var reason = drain is null ? DrainReasons.None : drain.Value.LetsSessionsEnd ? DrainReasons.Sessions : DrainReasons.Operator;
            var since = newcomer.Health.Since;
            return newcomer with
            {
                OperatorWeight = Order.WeightOf(ValueOf(newcomer.Id, Order.Weight)),
                Health = BackendTransitions.Ordered(newcomer.Health, reason, since.Uptime + (drain?.Until - since.Time)),
            };
        }
    }

    /// <inheritdoc />
    public void Left(string id)
    {
        lock (_lock)
        {
            _known.Remove(id);
            foreach (var key in _entries.Keys.Where(key => key.Backend == id).ToList())
            {
                _entries.Remove(key);
            }
        }

        Changed?.Invoke();
    }

    private List<Order> Take(IEnumerable<Order> orders, Func<Order, bool> isBelieved)
    {
        var taken = new List<Order>();
        lock (_lock)
        {
            foreach (var order in orders)
            {
                if (order is not { IsValid: true } || !isBelieved(order))
                {
                    Interlocked.Increment(ref _refused);
                    continue;
                }

                _clock.See(order.Date);
                if (!_entries.TryGetValue((order.Backend, order.Kind), out var present) || order.IsAfter(present.Order))
                {
                    Put(order);
                    taken.Add(order);
                }
                else if (order == present.Order)
                {
                    present.Heard = time.GetTimestamp();
                }
            }
        }

        if (taken.Count > 0)
        {
            Changed?.Invoke();
        }

        return taken;
    }

    private void Put(Order order)
    {
        var isNew = !_entries.ContainsKey((order.Backend, order.Kind));
        _entries[(order.Backend, order.Kind)] = new Entry(order) { Heard = time.GetTimestamp() };
        if (isNew && _entries.Count > MaxWaiting && _entries.Where(pair => IsWaiting(pair.Value.Order)).ToList() is { Count: > MaxWaiting } waiting)
        {
            _entries.Remove(waiting.MinBy(pair => pair.Value.Heard).Key);
            Interlocked.Increment(ref _refused);
        }
    }

    private bool IsWaiting(Order order) => !_known.Contains(order.Backend) || order.Kind is not (Order.Drain or Order.Weight);

    private string? ValueOf(string backend, string kind) => _entries.TryGetValue((backend, kind), out var entry) ? entry.Order.Value : null;

    private IEnumerable<Order> Told() => _entries.Values.Select(entry => entry.Order).Where(order => _known.Contains(order.Backend));

    private OrderDigest DigestOfTold()
    {
        var digest = new OrderDigest();
        foreach (var order in Told())
        {
            digest.Add(order);
        }

        return digest;
    }

    private sealed class Entry(Order order)
    {
        public Order Order { get; } = order;

        /// <summary>When somebody last told of it, as a timestamp.</summary>
        public long Heard { get; set; }
    }
}

/// <summary>
/// Dates orders so that a later one has the greater date on whichever balancer it is given, if that one had heard of the
/// earlier: a hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva and Leone, "Logical Physical Clocks", OPODIS 2014).
/// A date is 48 bits of milliseconds since 1970 and 16 bits that count within one; counting beyond them runs into the next.
/// Not for several threads at once.
/// </summary>
internal sealed class HybridClock(TimeProvider time)
{
    private const int CounterBits = 16;

    private long _last;

    /// <summary>The first date of a time of day.</summary>
    public static long DateOf(DateTimeOffset time) => time.ToUnixTimeMilliseconds() << CounterBits;

    /// <summary>A date greater than all that were given or seen, even when the time of day is set back.</summary>
    public long Next() => _last = Math.Max(_last + 1, DateOf(time.GetUtcNow()));

    /// <summary>Takes note of a date that another balancer gave.</summary>
    public void See(long date) => _last = Math.Max(_last, date);
}
