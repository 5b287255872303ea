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
    public async Task Instance_Killed_IsRestartedWithItsNameAndPort()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();
        var victim = ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-2");
        Assert.NotNull(victim);

        ServiceProcess.Signal(victim.Value, "KILL");

        await Eventually.BeTrue(() => Reported(cluster, "api-2 was killed (SIGKILL); restarting in 0.5 s."), "the kill is reported");
        await Eventually.BeTrue(() => Reported(cluster, "api-2 is healthy again."), "api-2 is healthy");
        Assert.True(await RunningCluster.Contains(cluster.Addresses.Last() + "/api/client-ip", "\"api-2\""));
        Assert.NotEqual(victim, ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-2"));
        await Eventually.BeTrue(cluster.AllHealthy, "the balancer sees api-2");
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    [InlineData("QUIT")]
    [InlineData("HUP")]
    public async Task Signal_Running_StopsEverythingGracefully(string signal)
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();

        cluster.Process.Signal(signal);

        Assert.Equal(0, await cluster.Process.ExitCode());
        await cluster.NothingIsLeft();
        // No process had to be killed.
        Assert.DoesNotContain("is killed", cluster.Process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("restarting in", cluster.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SecondInterrupt_NodeHangs_KillsAtOnce()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();
        ServiceProcess.Signal(ChildProcesses.With(cluster.Process.Id, "NODE_NAME=api-1")!.Value, "STOP");

        cluster.Process.Signal("INT");
        await Eventually.BeTrue(() => Reported(cluster, "Stopping."), "the runner is stopping");
        await Task.Delay(TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);
        cluster.Process.Signal("INT");

        Assert.Equal(130, await cluster.Process.ExitCode());
        Assert.True(Reported(cluster, "api-1 is killed."), "The runner waited for the timeout.");
        await cluster.NothingIsLeft();
    }

    [Fact]
    public async Task Runner_Killed_LeavesNoProcessBehind()
    {
        NeedUnix();
        await using var cluster = await RunningCluster.StartAsync();

        cluster.Process.Signal("KILL");

        await cluster.NothingIsLeft();
    }

    private static bool Reported(RunningCluster cluster, string line) =>
        cluster.Process.Output.Contains($"cluster  | {line}{Environment.NewLine}", StringComparison.Ordinal);

    private static void NeedUnix() => Requirement.Need("proc", Directory.Exists("/proc/self"), "there is no /proc.");
}
