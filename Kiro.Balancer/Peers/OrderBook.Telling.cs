namespace Kiro.Balancer.Peers;

/// <content>What peers are told.</content>
internal sealed partial class OrderBook
{
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
}
