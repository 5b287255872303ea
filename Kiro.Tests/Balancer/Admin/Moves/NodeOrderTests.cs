using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Admin.Moves;

public sealed class NodeOrderTests
{
    [Theory]
    [InlineData("api-2", "api-10")]
    [InlineData("api-9", "api-10a")]
    [InlineData("10.0.0.9:80", "10.0.0.10:80")]
    [InlineData("10.0.0.9:9", "10.0.0.9:80")]
    [InlineData("a", "a1")]
    [InlineData("a1", "b")]
    [InlineData("a99999999999999999998", "a99999999999999999999")]
    public void Compare_TwoNames_PutsTheSmallerNumberFirst(string first, string second)
    {
        Assert.InRange(BackendOrder.Instance.Compare(Node(first), Node(second)), int.MinValue, -1);
        Assert.InRange(BackendOrder.Instance.Compare(Node(second), Node(first)), 1, int.MaxValue);
    }

    [Fact]
    public void Compare_LeadingZeros_DoNotCount() => Assert.Equal(0, BackendOrder.Instance.Compare(Node("api-007"), Node("api-7")));

    private static KnownBackend Node(string name) => new(new Backend("host", 80), new BackendHealth { Node = name });
}
