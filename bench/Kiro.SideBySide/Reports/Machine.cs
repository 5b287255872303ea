using System.Globalization;
using System.Runtime.InteropServices;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Reports;

/// <summary>The machine of a run.</summary>
internal static class Machine
{
    public static IEnumerable<string> Describe(Cores cores)
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        yield return $"{model?.Split(':')[1].Trim() ?? "processor"} ({RuntimeInformation.OSArchitecture}), {File.ReadLines("/proc/stat").Count(line => line.StartsWith("cpu", StringComparison.Ordinal)) - 1} cores";
        yield return $"{(MemoryField.Read(File.ReadAllText("/proc/meminfo"), "MemTotal") / 1e9).ToString("0.0", CultureInfo.InvariantCulture)} GB of memory";
        yield return $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";
        yield return cores.Measured is null
            ? "one core for everything: the proxy's requests per second include what load and backends take from it"
            : $"the proxy alone on core {cores.Measured}, load and backends on {cores.Others}";
    }
}
