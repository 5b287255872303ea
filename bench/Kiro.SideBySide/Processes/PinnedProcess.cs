using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>A program pinned to cores, with its output in a file.</summary>
internal sealed class PinnedProcess : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly string _log;

    /// <param name="command">The command.</param>
    /// <param name="cores">A taskset list; null for all cores.</param>
    /// <param name="directory">The directory for working and for its log.</param>
    public PinnedProcess(Command command, string? cores, string directory)
    {
        _log = Path.Combine(directory, "output.log");
        string[] pin = cores is null ? [] : ["taskset", "-c", cores];
        var start = new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >output.log 2>&1 </dev/null", "sh", .. pin, command.Program, .. command.Arguments])
        {
            WorkingDirectory = directory,
        };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public int Id => _process.Id;

    /// <exception cref="InvalidOperationException">It has exited; the message contains its last output.</exception>
    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            var said = File.ReadLines(_log).LastOrDefault(line => line.Length > 0);
            throw new InvalidOperationException($"exited with code {_process.ExitCode}: {said}");
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", $"{Id}"]);
            kill.WaitForExit();
            if (!_process.WaitForExit(Grace))
            {
                _process.Kill(entireProcessTree: true);
                _process.WaitForExit();
            }
        }

        _process.Dispose();
    }

    // Stop the servers if the run is interrupted.
    private void OnExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);
}

/// <summary>A command line.</summary>
internal sealed record Command(string Program, params IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
