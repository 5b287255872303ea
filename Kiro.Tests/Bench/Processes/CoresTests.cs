using Kiro.SideBySide.Processes;

namespace Kiro.Tests.Bench.Processes;

public sealed class CoresTests
{
    [Theory]
    [InlineData("0-1", "1", "0", 2)]
    [InlineData("0-3,6", "6", "0,1,2,3", 5)]
    [InlineData("0", null, null, 1)]
    public void Of_AllowedCores_GivesTheProxyOneOfItsOwn(string allowed, string? proxy, string? others, int count) =>
        Assert.Equal(new Cores(proxy, others, count), Cores.Of(allowed));
}
