using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster;

public class ClusterProcessTests
{
    [Fact]
    public async Task Start_AllHealthy_PrintsTheAddresses()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();

        Assert.True(await cluster.AllHealthy());
        Assert.All(cluster.Addresses.Prepend(cluster.Balancer).Append(cluster.Balancer + "/lb").Append(cluster.Balancer + "/status.html"),
            address => Assert.Contains(address, cluster.Process.Output, StringComparison.Ordinal));
        Assert.Contains("embedded SQLite file", cluster.Process.Output, StringComparison.Ordinal);
        Assert.Contains("\"api-2\"", await RunningCluster.Get(cluster.Addresses.Last() + "/api/client-ip"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instance_Killed_ReturnsWithItsNameAndPort()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();
        var victim = ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-2");
        Assert.NotNull(victim);

        ServiceProcess.Signal(victim.Value, "KILL");

        await Eventually.BeTrue(() => Said(cluster, "api-2 was killed (SIGKILL); restarting in 0.5 s."), "it says so");
        await Eventually.BeTrue(() => Said(cluster, "api-2 is healthy again."), "it is back");
        Assert.True(await RunningCluster.Contains(cluster.Addresses.Last() + "/api/client-ip", "\"api-2\""));
        Assert.NotEqual(victim, ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-2"));
        await Eventually.BeTrue(cluster.AllHealthy, "the balancer sees it");
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    [InlineData("HUP")]
    public async Task Signal_Running_EndsAllInTime(string signal)
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();

        cluster.Process.Signal(signal);

        Assert.Equal(0, await cluster.Process.ExitCode());
        await cluster.NothingIsLeft();
        // In time: none had to be killed.
        Assert.DoesNotContain("is killed", cluster.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("restarting in", cluster.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondInterrupt_NodeThatHangs_KillsAtOnce()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();
        ServiceProcess.Signal(ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-1")!.Value, "STOP");

        cluster.Process.Signal("INT");
        await Eventually.BeTrue(() => Said(cluster, "Stopping."), "it has begun to stop");
        await Task.Delay(TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);
        cluster.Process.Signal("INT");

        Assert.Equal(130, await cluster.Process.ExitCode());
        Assert.True(Said(cluster, "api-1 is killed."), "It waited for the limit.");
        await cluster.NothingIsLeft();
    }

    [Fact]
    public async Task Runner_Killed_LeavesNothingBehind()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();

        cluster.Process.Signal("KILL");

        await cluster.NothingIsLeft();
    }

    private static bool Said(RunningCluster cluster, string line) =>
        cluster.Process.Output.Contains($"cluster  | {line}{Environment.NewLine}", StringComparison.Ordinal);

    private static void NeedUnix() => Requirement.Need("proc", Directory.Exists("/proc/self"), "it finds processes in /proc.");
}
