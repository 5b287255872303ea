using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>Which cores do what: what is measured has the last one for itself, load and backends share the others.</summary>
internal sealed record Cores(string? Measured, string? Others)
{
    /// <summary>The cores that this process may use, as Linux lists them: <c>0-3,6</c>.</summary>
    public static Cores Of(string allowed)
    {
        var cores = allowed.Split(',').SelectMany(Range).ToArray();
        return cores.Length < 2
            ? new Cores(null, null)
            : new Cores(cores[^1].ToString(null, null), string.Join(',', cores[..^1]));
    }

    public static Cores OfThisProcess() => Of(File.ReadLines("/proc/self/status")
        .First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim());

    /// <summary>Keeps this process, with all of its threads, off the proxy's core.</summary>
    public void StepAside()
    {
        if (Others is not null)
        {
            using var taskset = Process.Start(new ProcessStartInfo("taskset", ["-a", "-c", "-p", Others, $"{Environment.ProcessId}"])
            {
                RedirectStandardOutput = true,
            })!;
            taskset.WaitForExit();
        }
    }

    private static IEnumerable<int> Range(string part)
    {
        var ends = part.Split('-').Select(end => int.Parse(end, null)).ToArray();
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
