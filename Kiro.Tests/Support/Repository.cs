namespace Kiro.Tests.Support;

/// <summary>The repository that these tests belong to, for what they read of it.</summary>
internal static class Repository
{
    /// <summary>The folder of <c>kiro.sln</c>.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "kiro.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No kiro.sln above the tests.");
        }

        return folder.FullName;
    }
}
