using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Peers;

public sealed class DrainOrderTests
{
    private static readonly SelectionOptions Staying = new(0, TimeSpan.Zero, TimeSpan.FromSeconds(60));

    [Theory]
    [InlineData("drain", true, null)]
    [InlineData("drain:1700000000000", true, 1_700_000_000_000)]
    [InlineData("evacuate", false, null)]
    [InlineData("gently", false, null)]
    [InlineData("drain:soon", false, null)]
    [InlineData("drain:-1", false, null)]
    [InlineData("drain:9223372036854775807", false, null)]
    public void Parse_AnyValue_IsADrainOrder(string value, bool letsSessionsEnd, long? milliseconds)
    {
        var order = DrainOrder.Parse(value)!.Value;

        Assert.Equal((letsSessionsEnd, milliseconds), (order.LetsSessionsEnd, order.Until?.ToUnixTimeMilliseconds()));
        Assert.Equal(order, DrainOrder.Parse(order.ToString()));
        Assert.Null(DrainOrder.Parse(null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Orders_ReceivedBeforeTheBackendIsKnown_AreExecutedLater(bool sessionsStay)
    {
        var time = new FakeTimeProvider();
        var here = new OrderBook(time);
        var registry = Registries.Up(2, time, options: Staying);
        new OperatorOrders(here, registry).Drain(registry.Find("api-1:80"), TimeSpan.FromSeconds(90));
        new OperatorOrders(here, registry).Evacuate(registry.Find("api-2:80"));
        time.Advance(TimeSpan.FromSeconds(30));

        var there = new OrderBook(time);
        there.Merge(here.All);
        var later = Registries.Empty(time, options: sessionsStay ? Staying : null, orders: there);
        later.SetMembers(Registries.Endpoints(2));
        later.SetAll(BackendVerdict.Up);

        Assert.Equal(sessionsStay, later.Find("api-1:80").Health.KeepsSessions);
        Assert.Equal(BackendState.Draining, later.StateOf("api-1:80"));
        Assert.False(later.Find("api-2:80").Health.KeepsSessions);
        Assert.True(later.Find("api-2:80").Health.IsDrainedByOperator);
        // A minute of the timeout is left.
        time.Advance(TimeSpan.FromSeconds(59));
        later.Refresh();
        Assert.Equal(sessionsStay, later.Find("api-1:80").Health.KeepsSessions);
        time.Advance(TimeSpan.FromSeconds(1));
        later.Refresh();
        Assert.Equal(DrainReasons.Operator, later.Find("api-1:80").Health.DrainReasons);
    }
}
