namespace Kiro.SideBySide.Processes;

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
