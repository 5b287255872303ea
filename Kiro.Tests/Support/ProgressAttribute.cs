using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using Xunit.v3;

[assembly: Kiro.Tests.Support.Progress]

namespace Kiro.Tests.Support;

/// <summary>
/// Reports the progress of the run every 10 s. <c>dotnet test</c> does so only on a terminal and swallows the output of its
/// test process: piped or redirected, it would be silent until the end.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class ProgressAttribute : BeforeAfterTestAttribute
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly long Began = TimeProvider.System.GetTimestamp();
    private static readonly ConcurrentDictionary<string, (string Name, long Since)> Running = new();
    private static readonly Timer? Timer = Output() is { } output ? new Timer(_ => Report(output), null, Interval, Interval) : null;
    private static int _done;

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) =>
        Running[test.UniqueID] = ($"{methodUnderTest.ReflectedType?.Name}.{methodUnderTest.Name}", TimeProvider.System.GetTimestamp());

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        Running.TryRemove(test.UniqueID, out _);
        Interlocked.Increment(ref _done);
        GC.KeepAlive(Timer);
    }

    private static void Report(string output)
    {
        var now = TimeProvider.System.GetElapsedTime(Began);
        var running = Running.Values.OrderBy(test => test.Since).Take(3)
            .Select(test => string.Create(CultureInfo.InvariantCulture, $"{test.Name} ({TimeProvider.System.GetElapsedTime(test.Since).TotalSeconds:0} s)"));
        try
        {
            File.AppendAllText(output, string.Create(CultureInfo.InvariantCulture,
                $"{now:mm\\:ss}  {Volatile.Read(ref _done)} tests done, {Running.Count} running: {string.Join(", ", running)}{Environment.NewLine}"));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The reader has gone.
        }
    }

    /// <summary>The standard output of <c>dotnet test</c>, unless it is a terminal, where it shows progress itself.</summary>
    private static string? Output()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("DOTNET_CLI_TEST_COMMAND_WORKING_DIRECTORY") is null)
        {
            return null;
        }

        // "pid (name) state ppid …"; the name itself may contain parentheses.
        var stat = File.ReadAllText("/proc/self/stat");
        var parent = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
        var output = $"/proc/{parent}/fd/1";
        return File.ResolveLinkTarget(output, returnFinalTarget: false)?.FullName is { } target
            && !target.StartsWith("/dev/", StringComparison.Ordinal) ? output : null;
    }
}
