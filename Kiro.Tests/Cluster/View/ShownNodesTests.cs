using Kiro.Cluster.View;

namespace Kiro.Tests.Cluster.View;

public sealed class ShownNodesTests
{
    [Theory]
    [InlineData("up up up up", 4, null)]
    [InlineData("up up up up", 3, "… and 2 more, both up")]
    [InlineData("up up up up", 2, "… and 3 more, all up")]
    [InlineData("down down up failing", 3, "… and 2 more, both up")]
    [InlineData("down down down up", 3, "… and 2 more, 1 of them up")]
    [InlineData("down down down down", 3, "… and 2 more, none of them up")]
    public void Of_TooFewLines_SummarisesTheRest(string states, int lines, string? more)
    {
        NodeView[] nodes = [.. states.Split(' ').Select((state, index) => new NodeView { Name = $"api-{index}", Host = "a", Port = index, State = state })];

        Assert.Equal(more, ShownNodes.Of(nodes, lines).More);
    }
}
