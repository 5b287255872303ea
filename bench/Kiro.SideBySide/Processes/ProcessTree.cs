namespace Kiro.SideBySide.Processes;

/// <summary>A process and all that it started, as they are when this is made.</summary>
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

    /// <summary>Processor time of all of them since they started.</summary>
    /// <exception cref="IOException">One of them has ended.</exception>
    public TimeSpan ProcessorTime() => TimeSpan.FromSeconds(
        _ids.Sum(id => ProcessTime.Parse(File.ReadAllText($"/proc/{id}/stat")).Ticks) / (double)ProcessTime.TicksPerSecond);

    /// <summary>Starts the peak anew (clear_refs of proc(5)).</summary>
    public void ForgetPeak() => Array.ForEach(_ids, id => File.WriteAllText($"/proc/{id}/clear_refs", "5"));

    /// <summary>The most memory that they had at once, in bytes; pages that they share count for each.</summary>
    public long PeakMemory() => _ids.Sum(id => MemoryField.Read(File.ReadAllText($"/proc/{id}/status"), "VmHWM"));

    /// <summary>Memory now, in bytes, each shared page divided among those that share it.</summary>
    public long ProportionalMemory() => _ids.Sum(id => MemoryField.Read(File.ReadAllText($"/proc/{id}/smaps_rollup"), "Pss"));

    private static ProcessTime? TryRead(string file)
    {
        try
        {
            return ProcessTime.Parse(File.ReadAllText(file));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return null;
        }
    }
}
