using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster.Terminal;

/// <summary>The runner in a terminal.</summary>
public class LiveTableTests
{
    private const string AlternateScreen = "\e[?1049h";
    private const string ShowCursor = "\e[?25h";

    /// <summary>The balancer's log entry for a node that it knew by name.</summary>
    private const string LostNode = @"api-\d \([^)]*\) is (down|draining)";

    [Fact]
    public async Task CtrlC_LiveTable_RestoresTheTerminalAndPrintsTheLastState()
    {
        await using var terminal = Start([]);
        await terminal.Shows("2 of 2 up");
        await terminal.Shows("Both nodes are healthy.");
        Assert.Contains(AlternateScreen, terminal.Output, StringComparison.Ordinal);
        Assert.True(terminal.IsColoured);

        terminal.Process.Type(PseudoTerminal.CtrlC);

        Assert.Equal(0, await terminal.Process.ExitCode());
        // Ctrl-C signals every process of the group; the instances still outlive the balancer.
        Assert.DoesNotMatch(LostNode, terminal.Output);
        Assert.All((string[])[ShowCursor, "2 of 2 up", "/status.html", "restarts", "api-1", "api-2", "Stopped."],
            text => Assert.Contains(text, terminal.Remaining, StringComparison.Ordinal));
        Assert.DoesNotContain(AlternateScreen, terminal.Remaining, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sigterm_NoBalancerAndNoColour_ShowsTheRunnersOwnView()
    {
        await using var terminal = Start(new() { ["NO_COLOR"] = "1" }, "--no-balancer");
        await terminal.Shows("2 of 2 up");
        var victim = ChildProcesses.With(terminal.Runner, "NODE_NAME=api-2");
        Assert.NotNull(victim);
        ServiceProcess.Signal(victim.Value, "KILL");
        // The table shows it only until the process is back, so a busy terminal may never paint it.
        await terminal.Shows("api-2 was killed (SIGKILL); restarting");
        await terminal.Shows("api-2 is healthy again.");

        ServiceProcess.Signal(terminal.Runner, "TERM");

        Assert.Equal(0, await terminal.Process.ExitCode());
        Assert.False(terminal.IsColoured);
        Assert.Contains("api-2", terminal.Remaining, StringComparison.Ordinal);
        Assert.Contains(ShowCursor, terminal.Remaining, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xterm", "--plain")]
    [InlineData("dumb", "--no-balancer")]
    public async Task Plain_Terminal_PrintsPrefixedLines(string term, string argument)
    {
        await using var terminal = Start(new() { ["TERM"] = term }, argument);
        await terminal.Shows("Both nodes are healthy.");
        await terminal.Shows("  stop ");
        // Keeps the balancer running for a while after Ctrl-C, which signals every process of the group.
        var slow = argument == "--plain" ? RunningCluster.Get($"http://127.0.0.1:{terminal.BalancerPort}/api/slow?ms=3000") : Task.FromResult("");
        await Task.Delay(500, TestContext.Current.CancellationToken);

        terminal.Process.Type(PseudoTerminal.CtrlC);
        await slow;

        Assert.Equal(0, await terminal.Process.ExitCode());
        Assert.DoesNotMatch(LostNode, terminal.Output);
        Assert.DoesNotContain(AlternateScreen, terminal.Output, StringComparison.Ordinal);
        Assert.Equal(term is not "dumb", terminal.IsColoured);
        Assert.Contains(" is listening on port ", terminal.Output, StringComparison.Ordinal);
    }

    private static PseudoTerminal Start(Dictionary<string, string> environment, params string[] arguments)
    {
        var port = FreePort.Range(3);
        return new PseudoTerminal(port, new Dictionary<string, string>(environment)
        {
            ["INSTANCE_COUNT"] = "2",
            ["BALANCER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["START_PORT"] = (port + 1).ToString(CultureInfo.InvariantCulture),
        }, arguments);
    }
}
