using Kiro.Cluster.Live;

namespace Kiro.Tests.Cluster;

public class LogTailTests
{
    [Fact]
    public void Last_ManyLines_AreTheNewestTruncatedToTheWidth()
    {
        var written = new List<string>();
        var log = new LogTail(["balancer", "api-1"], colour: false, written.Add);
        log.Line("api-1", "one\e[2J");
        log.Line("balancer", new string('x', 30));
        log.Say("three");

        Assert.Equal(["balancer | xxxxxxxx…", "cluster  | three"], log.Last(2, 20));
        Assert.Equal("api-1    | one [2J", log.Last(3, 20)[0]);
        Assert.Equal(["api-1", "balancer", "cluster"], written);
    }

    [Fact]
    public void Last_MoreThanItKeeps_DropsTheOldest()
    {
        var log = new LogTail(["api-1"], colour: false, _ => { });
        for (var number = 0; number < 1000; number++)
        {
            log.Line("api-1", $"{number}");
        }

        var lines = log.Last(int.MaxValue, 80);
        Assert.Equal(("api-1   | 999", 200), (lines[^1], lines.Count));
    }
}
