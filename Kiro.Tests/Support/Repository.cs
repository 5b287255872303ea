namespace Kiro.Tests.Support;

/// <summary>The repository of these tests, for tests that read its files.</summary>
internal static class Repository
{
    /// <summary>The folder that contains <c>kiro.sln</c>.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "kiro.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No parent folder of the tests contains kiro.sln.");
        }

        return folder.FullName;
    }
}
