namespace Kiro.Tests.Support;

/// <summary>
/// Something outside of the SDK that a test needs. Absent, the test is skipped with the reason; when
/// <c>KIRO_REQUIRE</c> (a comma-separated list) names it, the test fails instead.
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

    /// <summary>The first of these programs that is on the PATH or in /usr/sbin, or null.</summary>
    public static string? Find(params string[] programs)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin");
        return programs.SelectMany(program => folders.Select(folder => Path.Combine(folder, program))).FirstOrDefault(File.Exists);
    }
}
