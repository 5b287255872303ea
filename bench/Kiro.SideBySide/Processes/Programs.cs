using System.Diagnostics;

namespace Kiro.SideBySide.Processes;

/// <summary>Installed programs.</summary>
internal static class Programs
{
    /// <returns>Its path, or null. Servers are often not in a user's PATH.</returns>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin").Append("/usr/local/sbin")
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The first line of its output.</summary>
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
