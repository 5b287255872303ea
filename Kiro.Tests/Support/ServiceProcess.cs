using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kiro.Tests.Support;

/// <summary>A real Kiro process, started from the test output folder, with a working directory of its own.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <summary>The balancer compiled with Native AOT, as in the images: the program in <c>KIRO_AOT_PROGRAM</c>, or null. If set,
    /// all tests start it as <c>Kiro.Balancer</c>, because it starts with a tenth of the CPU time.</summary>
    public static string? NativeBalancer { get; } = Environment.GetEnvironmentVariable("KIRO_AOT_PROGRAM") is { Length: > 0 } program ? program : null;

    /// <param name="program"><c>Kiro.Balancer</c>, <c>Kiro.Api</c> or <c>Kiro.Cluster</c>.</param>
    /// <param name="environment">Its environment variables; none of Kiro's are inherited from the test run.</param>
    /// <param name="arguments">Its command line.</param>
    public ServiceProcess(string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
        : this(Directory.CreateTempSubdirectory("kiro-test-").FullName, [], program, environment, arguments)
    {
    }

    /// <param name="folder">Its working directory.</param>
    /// <param name="wrapper">A command that runs it, such as <c>unshare -m</c>; empty for none.</param>
    /// <param name="program"><c>Kiro.Balancer</c>, <c>Kiro.Api</c> or <c>Kiro.Cluster</c>; or the path of a native program.</param>
    /// <param name="environment">Its environment variables.</param>
    /// <param name="arguments">Its command line.</param>
    public ServiceProcess(
        string folder, string[] wrapper, string program, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        program = program == "Kiro.Balancer" && NativeBalancer is { } compiled ? compiled : program;
        string[] native = [program], managed = [dotnet, Path.Combine(AppContext.BaseDirectory, program + ".dll")];
        string[] command = [.. wrapper, .. Path.IsPathRooted(program) ? native : managed, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => !IsInherited(name)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        // A test must never write to the developer's own database.
        start.Environment.TryAdd("SQLITE_FILE", Path.Combine(folder, "kiro.db"));

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Standard output and standard error, line by line as they arrived.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Sends a signal by name: TERM, INT, KILL, STOP, CONT.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not that of a single process: 0, -1 and the like signal many, including the test run.</exception>
    public static void Signal(int process, string signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(process, 2);
        Send(signal, process);
    }

    /// <summary>Signals a process group, as a terminal does.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id cannot be a process group of a test.</exception>
    public static void SignalGroup(int group, string signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(group, 2);
        Send(signal, -group);
    }

    public void Signal(string signal) => Signal(Id, signal);

    /// <summary>Closes its standard input, as when its parent dies.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Writes to its standard input.</summary>
    public void Type(string text)
    {
        _process.StandardInput.Write(text);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits for the process to exit and returns its exit code.</summary>
    public async Task<int> ExitCode(double seconds = Eventually.Patience)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Still running after {seconds} s. Its output:\n{Output}");
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    // "--" is essential: kill may parse -12345 as an option, take its first digit, and signal -1, which is every process.
    private static void Send(string signal, int target)
    {
        using var kill = Process.Start("kill", ["-" + signal, "--", target.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private static bool IsInherited(string name) =>
        name is "PATH" or "HOME" or "USER" or "TMPDIR" or "LANG" || name.StartsWith("DOTNET_", StringComparison.Ordinal);

    private void Append(string? line)
    {
        if (line is not null)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }
}
