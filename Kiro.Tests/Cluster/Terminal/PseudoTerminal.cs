using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster.Terminal;

/// <summary>The runner in a pseudo-terminal of 80 × 24, provided by <c>script</c> from util-linux.</summary>
internal sealed partial class PseudoTerminal : IAsyncDisposable
{
    /// <summary>The character that Ctrl-C sends.</summary>
    public const string CtrlC = "\x03";

    public PseudoTerminal(int balancerPort, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        BalancerPort = balancerPort;
        Requirement.Need("terminal", Requirement.Find("script") is not null && Directory.Exists("/proc/self"), "script from util-linux or /proc is missing.");
        var variables = new Dictionary<string, string>(environment);
        variables.TryAdd("TERM", "xterm-256color");
        Process = new ServiceProcess(
            Directory.CreateTempSubdirectory("kiro-test-").FullName,
            ["sh", "-c", "exec script -qefc \"stty cols 80 rows 24; exec $*\" /dev/null", "sh"], "Kiro.Cluster", variables, arguments);
    }

    public ServiceProcess Process { get; }

    /// <summary>The port of the cluster's balancer.</summary>
    public int BalancerPort { get; }

    /// <summary>Everything written to the terminal.</summary>
    public string Output => Process.Output;

    /// <summary>What was written after leaving the alternate screen.</summary>
    public string Remaining => Output[(Output.LastIndexOf("\e[?1049l", StringComparison.Ordinal) + 1)..];

    /// <summary>The process ID of the runner.</summary>
    public int Runner => ChildProcesses.Of(Process.Id).Single();

    public bool IsColoured => Colours().IsMatch(Output);

    public Task Shows(string text) => Eventually.BeTrue(() => Output.Contains(text, StringComparison.Ordinal), $"the terminal shows \"{text}\"");

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colours();
}
