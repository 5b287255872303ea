using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster.Terminal;

/// <summary>The runner as somebody at a terminal sees it.</summary>
public class LiveTableTests
{
    private const string OtherScreen = "\e[?1049h";
    private const string CursorBack = "\e[?25h";

    /// <summary>The balancer's word about a node that it knew by its name.</summary>
    private const string LostNode = @"api-\d \([^)]*\) is (down|draining)";

    [Fact]
    public async Task CtrlC_LiveTable_LeavesTheLastStateAndACleanTerminal()
    {
        await using var terminal = Start([]);
        await terminal.Shows("2 of 2 up");
        await terminal.Shows("Both nodes are healthy.");
        Assert.Contains(OtherScreen, terminal.Output, StringComparison.Ordinal);
        Assert.True(terminal.IsColoured);

        terminal.Process.Type(PseudoTerminal.CtrlC);

        Assert.Equal(0, await terminal.Process.ExitCode());
        // The keyboard's signal reaches every process; the instances wait for the balancer all the same.
        Assert.DoesNotMatch(LostNode, terminal.Output);
        Assert.All((string[])[CursorBack, "2 of 2 up", "/status.html", "restarts", "api-1", "api-2", "Stopped."],
            text => Assert.Contains(text, terminal.Left, StringComparison.Ordinal));
        Assert.DoesNotContain(OtherScreen, terminal.Left, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sigterm_NoBalancerAndNoColour_ShowsWhatTheRunnerKnows()
    {
        await using var terminal = Start(new() { ["NO_COLOR"] = "1" }, "--no-balancer");
        await terminal.Shows("2 of 2 up");
        var victim = ChildProcesses.With(terminal.Runner, "NODE_NAME=api-2");
        Assert.NotNull(victim);
        ServiceProcess.Signal(victim.Value, "KILL");
        // The table says it too, until the process is there again: a busy terminal may never paint that.
        await terminal.Shows("api-2 was killed (SIGKILL); restarting");
        await terminal.Shows("api-2 is healthy again.");

        ServiceProcess.Signal(terminal.Runner, "TERM");

        Assert.Equal(0, await terminal.Process.ExitCode());
        Assert.False(terminal.IsColoured);
        Assert.Contains("api-2", terminal.Left, StringComparison.Ordinal);
        Assert.Contains(CursorBack, terminal.Left, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xterm", "--plain")]
    [InlineData("dumb", "--no-balancer")]
    public async Task Plain_Terminal_PrintsPrefixedLines(string term, string argument)
    {
        await using var terminal = Start(new() { ["TERM"] = term }, argument);
        await terminal.Shows("Both nodes are healthy.");
        await terminal.Shows("  stop ");
        // Keeps the balancer there for a while after the signal, which the keyboard sends to all of them.
        var slow = argument == "--plain" ? RunningCluster.Get($"http://127.0.0.1:{terminal.BalancerPort}/api/slow?ms=3000") : Task.FromResult("");
        await Task.Delay(500, TestContext.Current.CancellationToken);

        terminal.Process.Type(PseudoTerminal.CtrlC);
        await slow;

        Assert.Equal(0, await terminal.Process.ExitCode());
        Assert.DoesNotMatch(LostNode, terminal.Output);
        Assert.DoesNotContain(OtherScreen, terminal.Output, StringComparison.Ordinal);
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
