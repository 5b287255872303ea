using System.Globalization;

namespace Kiro.SideBySide.Processes;

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
