using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>What the system says about the memory of a process, in MiB. Linux only.</summary>
internal static class ProcessMemory
{
    /// <summary>In use now.</summary>
    public static double Resident(int process) => Read(process, "VmRSS");

    /// <summary>The most that was ever in use.</summary>
    public static double Peak(int process) => Read(process, "VmHWM");

    private static double Read(int process, string field)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
