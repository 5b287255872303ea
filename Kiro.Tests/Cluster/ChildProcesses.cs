using System.Globalization;

namespace Kiro.Tests.Cluster;

/// <summary>The children of a process, from /proc.</summary>
internal static class ChildProcesses
{
    public static int[] Of(int parent) => [.. Directory.GetDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
        .Where(id => id > 0 && Parent(id) == parent)];

    /// <summary>The child whose environment has this entry, such as <c>NODE_NAME=api-2</c>, or null.</summary>
    public static int? With(int parent, string entry) => Of(parent)
        .Where(id => Read($"/proc/{id}/environ").Split('\0').Contains(entry))
        .Cast<int?>().FirstOrDefault();

    /// <summary>Whether a process has exited; a zombie has, too.</summary>
    public static bool IsGone(int id) => State(id) is null or "Z";

    private static int Parent(int id) =>
        int.TryParse(Field(id, "PPid:"), CultureInfo.InvariantCulture, out var parent) ? parent : 0;

    private static string? State(int id) => Field(id, "State:")?[..1];

    private static string? Field(int id, string name) => Read($"/proc/{id}/status").Split('\n')
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The process exited in the meantime.
            return "";
        }
    }
}
