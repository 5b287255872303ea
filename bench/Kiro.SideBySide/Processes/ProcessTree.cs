using System.Globalization;

namespace Kiro.SideBySide.Processes;

/// <summary>A process and its descendants at the time of creation.</summary>
internal sealed class ProcessTree
{
    private readonly int[] _ids;

    public ProcessTree(int root)
    {
        var all = Directory.EnumerateDirectories("/proc")
            .Where(folder => int.TryParse(Path.GetFileName(folder), out _))
            .Select(folder => TryRead(Path.Combine(folder, "stat")))
            .OfType<ProcessTime>()
            .ToLookup(process => process.Parent, process => process.Id);
        var ids = new List<int> { root };
        for (var next = 0; next < ids.Count; next++)
        {
            ids.AddRange(all[ids[next]]);
        }

        _ids = [.. ids];
    }

    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Their total CPU time.</summary>
    /// <exception cref="IOException">One of them has exited.</exception>
    public TimeSpan ProcessorTime() => TimeSpan.FromSeconds(
        _ids.Sum(id => ProcessTime.Parse(File.ReadAllText($"/proc/{id}/stat")).Ticks) / (double)ProcessTime.TicksPerSecond);

    /// <summary>Resets the peak (clear_refs in proc(5)).</summary>
    public void ForgetPeak() => Array.ForEach(_ids, id => File.WriteAllText($"/proc/{id}/clear_refs", "5"));

    /// <summary>Their total peak resident memory, in bytes; shared pages count for each.</summary>
    public long PeakMemory() => _ids.Sum(id => MemoryField.Read(File.ReadAllText($"/proc/{id}/status"), "VmHWM"));

    /// <summary>Their total proportional set size, in bytes.</summary>
    public long ProportionalMemory() => _ids.Sum(id => MemoryField.Read(File.ReadAllText($"/proc/{id}/smaps_rollup"), "Pss"));

    private static ProcessTime? TryRead(string file)
    {
        try
        {
            return ProcessTime.Parse(File.ReadAllText(file));
        }
        catch (IOException)
        {
            // It has exited.
            return null;
        }
    }
}

/// <summary>Parses /proc/&lt;pid&gt;/stat (proc(5)).</summary>
/// <param name="Id">The process.</param>
/// <param name="Parent">The process that started it.</param>
/// <param name="Ticks">CPU time of all its threads and exited children, in clock ticks.</param>
internal readonly record struct ProcessTime(int Id, int Parent, long Ticks)
{
    /// <summary>USER_HZ, which is always 100 for programs on Linux.</summary>
    public const int TicksPerSecond = 100;

    /// <exception cref="FormatException">The line is invalid.</exception>
    public static ProcessTime Parse(string stat)
    {
        // The name in brackets may contain spaces and brackets.
        var (open, close) = (stat.IndexOf('('), stat.LastIndexOf(')'));
        var fields = close < 0 ? [] : stat[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (open < 0 || fields.Length < 15)
        {
            throw new FormatException($"no /proc stat line: {stat}");
        }

        // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime; the first after the name is field 3.
        return new ProcessTime(Number(stat[..open]), Number(fields[1]), fields[11..15].Sum(field => (long)Number(field)));
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
}

/// <summary>CPU time of single threads (/proc/&lt;pid&gt;/task/&lt;tid&gt; of proc(5)).</summary>
internal static class ThreadTime
{
    /// <summary>The CPU time of all running threads with a name.</summary>
    /// <param name="process">Their process.</param>
    /// <param name="name">At most 15 characters, the limit of Linux.</param>
    public static TimeSpan Of(int process, string name) => TimeSpan.FromSeconds(
        Directory.EnumerateDirectories($"/proc/{process}/task").Sum(thread => TicksOf(thread, name)) / (double)ProcessTime.TicksPerSecond);

    private static long TicksOf(string thread, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(thread, "comm")).TrimEnd('\n') == name
                ? ProcessTime.Parse(File.ReadAllText(Path.Combine(thread, "stat"))).Ticks
                : 0;
        }
        catch (IOException)
        {
            // It has exited.
            return 0;
        }
    }
}

/// <summary>Parses lines such as <c>VmHWM:     5120 kB</c> in /proc files.</summary>
internal static class MemoryField
{
    /// <returns>Bytes.</returns>
    /// <exception cref="FormatException">There is no such line.</exception>
    public static long Read(string text, string name)
    {
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith(name + ":", StringComparison.Ordinal) && line.EndsWith(" kB", StringComparison.Ordinal))
            {
                return 1024 * long.Parse(line[(name.Length + 1)..^3], NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
            }
        }

        throw new FormatException($"no line {name} in kB");
    }
}
