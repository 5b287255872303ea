namespace Kiro.Tests.Support;

/// <summary>
/// Something beyond the SDK that a test needs. If it is missing, the test is skipped with the reason, or fails
/// if <c>KIRO_REQUIRE</c> (a comma-separated list) names it.
/// </summary>
internal static class Requirement
{
    public static void Need(string name, bool present, string reason)
    {
        if (present)
        {
            return;
        }

        var required = (Environment.GetEnvironmentVariable("KIRO_REQUIRE") ?? "").Split(',', StringSplitOptions.TrimEntries);
        Assert.False(required.Contains(name), $"KIRO_REQUIRE names {name}, but {reason}");
        Assert.Skip(reason);
    }

    /// <summary>The path of the first of these programs found on the PATH or in /usr/sbin, or null.</summary>
    public static string? Find(params string[] programs)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin");
        return programs.SelectMany(program => folders.Select(folder => Path.Combine(folder, program))).FirstOrDefault(File.Exists);
    }
}
