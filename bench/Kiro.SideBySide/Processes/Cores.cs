using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>The assignment of cores: the proxy gets the last one exclusively, load generator and backends share the others.</summary>
/// <param name="Measured">The core of the proxy; null if there is only one.</param>
/// <param name="Others">The cores of everything else; null if there is only one.</param>
/// <param name="Count">The number of cores.</param>
internal sealed record Cores(string? Measured, string? Others, int Count)
{
    /// <summary>The cores that this process may use, as Linux lists them: <c>0-3,6</c>.</summary>
    public static Cores Of(string allowed)
    {
        var cores = allowed.Split(',').SelectMany(Range).ToArray();
        return cores.Length < 2
            ? new Cores(null, null, cores.Length)
            : new Cores(cores[^1].ToString(null, null), string.Join(',', cores[..^1]), cores.Length);
    }

    public static Cores OfThisProcess() => Of(File.ReadLines("/proc/self/status")
        .First(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim());

    /// <summary>Keeps processes, including their threads and children, off the proxy's core.</summary>
    public void StepAside(params ReadOnlySpan<int> processes)
    {
        if (Others is not null)
        {
            Place(processes, Others);
        }
    }

    /// <summary>Lets processes use all cores.</summary>
    public void Share(params ReadOnlySpan<int> processes)
    {
        if (Others is not null)
        {
            Place(processes, $"{Others},{Measured}");
        }
    }

    private static void Place(ReadOnlySpan<int> processes, string cores)
    {
        foreach (var process in processes)
        {
            foreach (var id in new ProcessTree(process).Ids)
            {
                using var taskset = Process.Start(new ProcessStartInfo("taskset", ["-a", "-c", "-p", cores, $"{id}"])
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
                taskset.WaitForExit();
            }
        }
    }

    private static IEnumerable<int> Range(string part)
    {
        var ends = part.Split('-').Select(end => int.Parse(end, null)).ToArray();
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
