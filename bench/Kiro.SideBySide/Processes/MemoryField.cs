using System.Globalization;

namespace Kiro.SideBySide.Processes;

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
