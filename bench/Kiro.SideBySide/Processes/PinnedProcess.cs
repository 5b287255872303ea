using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>A program on given cores. What it says goes to a file, so that nobody has to read along.</summary>
internal sealed class PinnedProcess : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly string _log;

    /// <param name="command">What to start.</param>
    /// <param name="cores">Where, as taskset takes it; null for anywhere.</param>
    /// <param name="directory">Working directory, and where its log goes.</param>
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

    /// <exception cref="InvalidOperationException">It has ended; the message says what it said last.</exception>
    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            var said = File.ReadLines(_log).LastOrDefault(line => line.Length > 0);
            throw new InvalidOperationException($"ended with code {_process.ExitCode}: {said}");
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

    // A run that is told to end takes its servers with it.
    private void OnExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);
}
