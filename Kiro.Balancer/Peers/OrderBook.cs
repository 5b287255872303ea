using System.Security.Cryptography;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Peers;

/// <summary>
/// The orders in force: the last one of each kind for each backend. An order for an unknown backend waits for it: for at most
/// <see cref="MaxWait"/> since it was last received from a peer that knows the backend, and at most <see cref="MaxWaiting"/> orders
/// do. Orders for known backends are bounded by the number of backends and kinds. Peers are only sent orders for known backends, so
/// that an order dies out once no balancer knows its backend.
/// </summary>
internal sealed class OrderBook(TimeProvider time) : IStandingOrders
{
    /// <summary>Orders for unknown backends, or of unknown kinds from newer versions.</summary>
    public const int MaxWaiting = 4096;

    /// <summary>Longer than it takes all balancers to discover a backend.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(10);

    /// <summary>Orders further ahead of the local clock are refused, as they would win for that long.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly HybridClock _clock = new(time);
    private readonly Dictionary<(string Backend, string Kind), Entry> _entries = [];
    private readonly HashSet<string> _known = [];
    private long _refused;

    /// <summary>Raised after a change, on the same thread.</summary>
    public event Action? Changed;

    /// <summary>This balancer's id; a new one with each start.</summary>
    public string Owner { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Orders refused because they were invalid, dated too far ahead, or too many.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>The number of orders, including waiting ones.</summary>
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

    /// <summary>All orders, including waiting ones.</summary>
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

    /// <summary>Issues an order.</summary>
    public Order Issue(string backend, string kind, string? value)
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

    /// <summary>Merges orders issued elsewhere, in any sequence and any number of times.</summary>
    /// <returns>Those newly in force.</returns>
    public IReadOnlyList<Order> Merge(IEnumerable<Order> orders)
    {
        var latest = HybridClock.DateOf(time.GetUtcNow() + MaxAhead);
        return Merge(orders, order => order.Date <= latest);
    }

    /// <summary>Merges saved orders, whatever their date.</summary>
    public IReadOnlyList<Order> Restore(IEnumerable<Order> orders) => Merge(orders, _ => true);

    /// <summary>The digest of the orders that peers are sent.</summary>
    public OrderDigest Digest()
    {
        lock (_lock)
        {
            return DigestOfSent();
        }
    }

    /// <summary>Compares with a peer's orders.</summary>
    /// <param name="theirs">Its digest.</param>
    /// <param name="max">The maximum number of orders, by bucket from a random one on.</param>
    public (OrderDigest Mine, IReadOnlyList<Order> Differing) Against(OrderDigest theirs, int max)
    {
        lock (_lock)
        {
            var (mine, start) = (DigestOfSent(), Random.Shared.Next(OrderDigest.Buckets));
            return (mine,
            [
                .. Sent().Where(order => mine.Differs(theirs, OrderDigest.BucketOf(order.Backend)))
                    .OrderBy(order => (OrderDigest.BucketOf(order.Backend) + start) % OrderDigest.Buckets).Take(max),
            ]);
        }
    }

    /// <summary>The orders after a date, newest first.</summary>
    public IReadOnlyList<Order> After(long date, int max)
    {
        lock (_lock)
        {
            return [.. Sent().Where(order => order.Date > date).OrderByDescending(order => order.Date).Take(max)];
        }
    }

    /// <summary>Drops orders that have waited too long; not while no backend is known at all, as discovery is then failing.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            foreach (var (key, entry) in _known.Count == 0 ? [] : _entries.Where(pair => IsWaiting(pair.Value.Order)).ToList())
            {
                if (time.GetElapsedTime(entry.LastReceived) > MaxWait)
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

    private List<Order> Merge(IEnumerable<Order> orders, Func<Order, bool> isAccepted)
    {
        var merged = new List<Order>();
        lock (_lock)
        {
            foreach (var order in orders)
            {
                if (order is not { IsValid: true } || !isAccepted(order))
                {
                    Interlocked.Increment(ref _refused);
                    continue;
                }

                _clock.Observe(order.Date);
                if (!_entries.TryGetValue((order.Backend, order.Kind), out var present) || order.IsAfter(present.Order))
                {
                    Put(order);
                    merged.Add(order);
                }
                else if (order == present.Order)
                {
                    present.LastReceived = time.GetTimestamp();
                }
            }
        }

        if (merged.Count > 0)
        {
            Changed?.Invoke();
        }

        return merged;
    }

    private void Put(Order order)
    {
        var isNew = !_entries.ContainsKey((order.Backend, order.Kind));
        _entries[(order.Backend, order.Kind)] = new Entry(order) { LastReceived = time.GetTimestamp() };
        if (isNew && _entries.Count > MaxWaiting && _entries.Where(pair => IsWaiting(pair.Value.Order)).ToList() is { Count: > MaxWaiting } waiting)
        {
            _entries.Remove(waiting.MinBy(pair => pair.Value.LastReceived).Key);
            Interlocked.Increment(ref _refused);
        }
    }

    private bool IsWaiting(Order order) => !_known.Contains(order.Backend) || order.Kind is not (Order.Drain or Order.Weight);

    private string? ValueOf(string backend, string kind) => _entries.TryGetValue((backend, kind), out var entry) ? entry.Order.Value : null;

    private IEnumerable<Order> Sent() => _entries.Values.Select(entry => entry.Order).Where(order => _known.Contains(order.Backend));

    private OrderDigest DigestOfSent()
    {
        var digest = new OrderDigest();
        foreach (var order in Sent())
        {
            digest.Add(order);
        }

        return digest;
    }

    private sealed class Entry(Order order)
    {
        public Order Order { get; } = order;

        /// <summary>When it was last received, as a timestamp.</summary>
        public long LastReceived { get; set; }
    }
}

/// <summary>
/// A hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva and Leone, "Logical Physical Clocks", OPODIS 2014): an order issued with
/// knowledge of another one has a greater date, on any balancer. A date has 48 bits of milliseconds since 1970 and a 16-bit counter, which
/// overflows into the milliseconds. Not thread-safe.
/// </summary>
internal sealed class HybridClock(TimeProvider time)
{
    private const int CounterBits = 16;

    private long _last;

    /// <summary>The first date of a point in time.</summary>
    public static long DateOf(DateTimeOffset time) => time.ToUnixTimeMilliseconds() << CounterBits;

    /// <summary>A date greater than all issued or observed ones, even if the wall clock is set back.</summary>
    public long Next() => _last = Math.Max(_last + 1, DateOf(time.GetUtcNow()));

    /// <summary>Advances past another balancer's date.</summary>
    public void Observe(long date) => _last = Math.Max(_last, date);
}
