using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster.Terminal;

/// <summary>The runner in a real pseudo-terminal of 80 × 24, which <c>script</c> of util-linux provides.</summary>
internal sealed partial class PseudoTerminal : IAsyncDisposable
{
    /// <summary>Ctrl-C, as the keyboard sends it.</summary>
    public const string CtrlC = "\x03";

    public PseudoTerminal(int balancerPort, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        BalancerPort = balancerPort;
        Requirement.Need("terminal", Requirement.Find("script") is not null && Directory.Exists("/proc/self"), "it needs script, of util-linux, and /proc.");
        var variables = new Dictionary<string, string>(environment);
        variables.TryAdd("TERM", "xterm-256color");
        Process = new ServiceProcess(
            Directory.CreateTempSubdirectory("kiro-test-").FullName,
            ["sh", "-c", "exec script -qefc \"stty cols 80 rows 24; exec $*\" /dev/null", "sh"], "Kiro.Cluster", variables, arguments);
    }

    public ServiceProcess Process { get; }

    /// <summary>Where a cluster's balancer listens.</summary>
    public int BalancerPort { get; }

    /// <summary>What the terminal has received.</summary>
    public string Output => Process.Output;

    /// <summary>What stands on the terminal below what was there before.</summary>
    public string Left => Output[(Output.LastIndexOf("\e[?1049l", StringComparison.Ordinal) + 1)..];

    /// <summary>The process of the runner itself.</summary>
    public int Runner => ChildProcesses.Of(Process.Id).Single();

    public bool IsColoured => Colours().IsMatch(Output);

    public Task Shows(string text) => Eventually.BeTrue(() => Output.Contains(text, StringComparison.Ordinal), $"the terminal shows \"{text}\"");

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    [GeneratedRegex(@"\x1b\[[0-9;]*m")]
    private static partial Regex Colours();
}
