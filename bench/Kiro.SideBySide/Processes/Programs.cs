using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>Programs of this machine.</summary>
internal static class Programs
{
    /// <returns>Where it is, or null. Servers are often outside of a user's PATH.</returns>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The first line of what it says.</summary>
    public static string FirstLine(string program, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var said = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
        process.WaitForExit();
        return said.Split('\n', 2)[0].Trim();
    }
}
