using System.ComponentModel;
using System.Text;
using CliWrap;
using Kiro.Cluster.Nodes;
using Kiro.Cluster.Output;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Cluster.Supervision;

/// <summary>One run of a node's program.</summary>
internal static class NodeProcess
{
    /// <summary>Starts the program and returns its exit code, or null if it was stopped.</summary>
    /// <param name="node">The node to start.</param>
    /// <param name="console">Its output.</param>
    /// <param name="stop">Stops it without a drain.</param>
    /// <param name="kill">Kills it.</param>
    public static async Task<int?> RunAsync(Node node, IRunnerOutput console, CancellationToken stop, CancellationToken kill)
    {
        var host = DotnetHost.For(node.Program);
        var output = PipeTarget.ToDelegate(line => console.Line(node.Name, line), Encoding.UTF8);
        try
        {
            var result = await Cli.Wrap(host.File)
                .WithArguments(host.Arguments)
                .WithEnvironmentVariables(new Dictionary<string, string?>(node.Environment) 
                {
                    [StopWithParent.Variable] = "1",
                    [StopWithParent.TerminalVariable] = Console.IsOutputRedirected ? null : "1",
                })
                .WithStandardInputPipe(PipeSource.Create((_, ended) => HoldOpenAsync(stop, ended)))
                .WithStandardOutputPipe(output)
                .WithStandardErrorPipe(output)
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(kill, stop);
            return result.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || kill.IsCancellationRequested)
        {
            return null;
        }
        catch (Win32Exception problem)
        {
            console.Say($"{node.Name} cannot be started: {problem.Message}");
            return 1;
        }
    }

    /// <summary>
    /// The node stops when its standard input is closed: when the runner exits, for any reason, or stops it. This also works
    /// in the background of a shell script, where processes ignore SIGINT.
    /// </summary>
    private static async Task HoldOpenAsync(CancellationToken stop, CancellationToken ended)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

/// <summary>Why a process exited, to follow its name.</summary>
internal static class ExitText
{
    // On Unix, 128 + the number of the signal that killed the process.
    private static readonly Dictionary<int, string> Signals = new()
    {
        [129] = "SIGHUP", [130] = "SIGINT", [131] = "SIGQUIT", [132] = "SIGILL", [133] = "SIGTRAP", [134] = "SIGABRT",
        [135] = "SIGBUS", [136] = "SIGFPE", [137] = "SIGKILL", [139] = "SIGSEGV", [141] = "SIGPIPE", [143] = "SIGTERM",
    };

    public static string Of(int exitCode) =>
        OperatingSystem.IsWindows() || !Signals.TryGetValue(exitCode, out var signal)
            ? $"exited (exit code {exitCode})"
            : $"was killed ({signal})";
}
