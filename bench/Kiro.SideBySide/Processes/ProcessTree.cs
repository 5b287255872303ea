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
