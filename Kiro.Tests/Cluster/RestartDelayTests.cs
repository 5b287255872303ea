using Kiro.Cluster.Supervision;

namespace Kiro.Tests.Cluster;

public class RestartDelayTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(29.9);

    [Fact]
    public void After_ShortRuns_DoublesUpToThirtySeconds()
    {
        var delay = new RestartDelay();

        var seconds = Enumerable.Range(0, 9).Select(_ => delay.After(Short).TotalSeconds).ToArray();

        Assert.Equal([0.5, 1, 2, 4, 8, 16, 30, 30, 30], seconds);
    }

    [Fact]
    public void After_RunOfThirtySeconds_IsReset()
    {
        var delay = new RestartDelay();
        delay.After(Short);
        delay.After(Short);

        Assert.Equal(0.5, delay.After(TimeSpan.FromSeconds(30)).TotalSeconds);
        Assert.Equal(1, delay.After(Short).TotalSeconds);
    }
}
