using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Peers;

public sealed class OrderBookTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));
    private readonly OrderBook _book;

    public OrderBookTests() => _book = new OrderBook(_time);

    [Fact]
    public void Merge_EarlierOrderAfterLater_ChangesNothing()
    {
        var (earlier, later) = (Told("a:1", 1, "drain"), Told("a:1", 2, null));

        Assert.Equal([later], _book.Merge([later]));
        Assert.Empty(_book.Merge([earlier]));
        Assert.Equal([later], _book.All);
    }

    [Fact]
    public void Merge_Twice_IsNewOnce()
    {
        var order = Told("a:1", 1, "drain");

        Assert.Equal([order], _book.Merge([order, order]));
        Assert.Empty(_book.Merge([order]));
    }

    [Fact]
    public void Merge_TwoKinds_KeepsBoth()
    {
        _book.Merge([Told("a:1", 1, "drain"), Told("a:1", 2, "3", Order.Weight)]);

        Assert.Equal(2, _book.Count);
    }

    [Fact]
    public void Issue_AfterAnOrderFromTheFuture_Wins()
    {
        var ahead = Told("a:1", 60_000, "drain");
        _book.Merge([ahead]);

        Assert.True(_book.Issue("a:1", Order.Drain, null).IsAfter(ahead));
    }

    [Fact]
    public void Merge_DatedTooFarAhead_IsRefusedAndCounted()
    {
        Assert.Empty(_book.Merge([Told("a:1", (long)OrderBook.MaxAhead.TotalMilliseconds + 1, "drain")]));
        Assert.Equal(1, _book.Refused);
        Assert.True(_book.Issue("a:1", Order.Drain, null).Date < HybridClock.DateOf(_time.GetUtcNow().AddMilliseconds(1)));
    }

    [Fact]
    public void Restore_DatedAhead_IsAccepted()
    {
        var kept = Told("a:1", (long)TimeSpan.FromDays(400).TotalMilliseconds, "drain");

        Assert.Equal([kept], _book.Restore([kept]));
        Assert.True(_book.Issue("a:1", Order.Drain, null).IsAfter(kept));
    }

    [Theory]
    [InlineData(null, "drain", null, 1, "b")]
    [InlineData("", "drain", null, 1, "b")]
    [InlineData("a:1", null, null, 1, "b")]
    [InlineData("a:1", "drain", null, 0, "b")]
    [InlineData("a:1", "drain", null, long.MaxValue, "b")]
    [InlineData("a:1", "drain", null, 1, null)]
    [InlineData("a:1", "drain", "", 1, "b")]
    [InlineData("a:1", "drain", "a\nb", 1, "b")]
    [InlineData("a:1", "weight", "heavy", 1, "b")]
    [InlineData("a:1", "weight", "0", 1, "b")]
    [InlineData("a:1", "weight", "NaN", 1, "b")]
    [InlineData("a:1", "weight", "1001", 1, "b")]
    public void Merge_Malformed_IsRefusedAndCounted(string? backend, string? kind, string? value, long date, string? by)
    {
        Assert.Empty(_book.Merge([new Order(backend!, kind!, value, date, by!), null!]));
        Assert.Equal(2, _book.Refused);
    }

    [Fact]
    public void Joined_OrdersAreWaiting_AreApplied()
    {
        var registry = Registry();
        _book.Merge([Told("api-1:80", 1, "drain"), Told("api-2:80", 1, "2.5", Order.Weight)]);
        registry.SetMembers(Registries.Endpoints(3));

        Assert.Equal([BackendState.Draining, BackendState.Starting, BackendState.Starting], registry.Current.Backends.Select(known => known.State));
        Assert.Equal([1, 2.5, 1], registry.Current.Backends.Select(known => known.Weight));
    }

    [Fact]
    public void Left_AddressIsReused_IsNotDrained()
    {
        var registry = Registry();
        registry.SetMembers(Registries.Endpoints(2));
        _book.Issue("api-1:80", Order.Drain, "drain");
        registry.SetMembers(Registries.Endpoints(2)[1..]);
        registry.SetMembers(Registries.Endpoints(2));

        Assert.Equal(BackendState.Starting, registry.StateOf("api-1:80"));
        Assert.Empty(_book.All);
    }

    [Fact]
    public void Sweep_WaitingOrders_AreDroppedUnlessReceivedAgain()
    {
        var (kept, forgotten) = (Told("a:1", 1, "drain"), Told("b:1", 1, "drain"));
        Registry().SetMembers(Registries.Endpoints(1));
        _book.Merge([kept, forgotten]);
        _time.Advance(OrderBook.MaxWait);
        _book.Sweep();
        Assert.Equal(2, _book.Count);

        _book.Merge([kept]);
        _time.Advance(TimeSpan.FromSeconds(1));
        _book.Sweep();

        Assert.Equal([kept], _book.All);
    }

    [Fact]
    public void Sweep_NoBackendIsKnown_KeepsAll()
    {
        _book.Merge([Told("a:1", 1, "drain")]);
        _time.Advance(TimeSpan.FromDays(1));
        _book.Sweep();

        Assert.Equal(1, _book.Count);
    }

    [Fact]
    public void Merge_TooManyWaiting_KeepsTheLastAndThoseOfKnownBackends()
    {
        Registry().SetMembers(Registries.Endpoints(1));
        _book.Issue("api-1:80", Order.Drain, "drain");
        for (var number = 0; number < OrderBook.MaxWaiting + 10; number++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            _book.Merge([Told($"a:{number}", 1, "drain")]);
        }

        Assert.Equal(OrderBook.MaxWaiting + 1, _book.Count);
        Assert.Equal(10, _book.Refused);
        Assert.Contains(_book.All, order => order.Backend == "api-1:80");
        Assert.DoesNotContain(_book.All, order => order.Backend == "a:9");
    }

    [Fact]
    public void Digest_OrdersOfUnknownBackends_AreExcluded()
    {
        Registry().SetMembers(Registries.Endpoints(1));
        var nothing = _book.Digest();
        _book.Merge([Told("a:1", 1, "drain")]);
        Assert.True(nothing.Matches(_book.Digest()));
        Assert.Empty(_book.After(0, 10));

        _book.Merge([Told("api-1:80", 1, "drain")]);

        Assert.False(nothing.Matches(_book.Digest()));
        Assert.Equal("api-1:80", Assert.Single(_book.Against(nothing, 10).Differing).Backend);
    }

    [Fact]
    public void Digest_Encoded_RoundTrips()
    {
        Registry().SetMembers(Registries.Endpoints(3));
        _book.Issue("api-1:80", Order.Drain, "drain");
        var digest = _book.Digest();

        Assert.True(OrderDigest.Decoded(digest.Encoded())!.Matches(digest));
        Assert.Null(OrderDigest.Decoded("AAAA"));
        Assert.Null(OrderDigest.Decoded("?"));
    }

    private BackendRegistry Registry() => Registries.Empty(_time, orders: _book);

    private Order Told(string backend, long milliseconds, string? value, string kind = Order.Drain) =>
        new(backend, kind, value, HybridClock.DateOf(_time.GetUtcNow().AddMilliseconds(milliseconds)), "another");
}
