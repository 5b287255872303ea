using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendHealthTests
{
    [Theory]
    [InlineData("Unknown", "None", "Starting")]
    [InlineData("Unknown", "Operator", "Draining")]
    [InlineData("Up", "None", "Up")]
    [InlineData("Up", "Node", "Draining")]
    [InlineData("Up", "Operator", "Draining")]
    [InlineData("Up", "Absent", "Draining")]
    [InlineData("Up", "Node, Absent", "Draining")]
    [InlineData("Down", "None", "Down")]
    [InlineData("Down", "Operator", "Down")]
    public void State_VerdictAndReasons_Follows(string verdict, string reasons, string state)
    {
        var health = new BackendHealth { Verdict = Enum.Parse<BackendVerdict>(verdict), DrainReasons = Enum.Parse<DrainReasons>(reasons) };

        Assert.Equal(Enum.Parse<BackendState>(state), health.State);
    }
}
