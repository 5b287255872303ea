using Kiro.AppHost.Tests.Support;
using Kiro.Tests.Support;

namespace Kiro.AppHost.Export.Tests;

/// <summary>compose-export/ is what the model publishes, on every machine.</summary>
public sealed class ExportTests
{
    private static readonly string Committed = Path.Combine(Repository.Root, "compose-export");

    [Theory]
    [InlineData("cluster", "", "docker-compose.cluster.yml", "docker-compose.host.yml")]
    [InlineData("scale", "", "docker-compose.scale.yml")]
    [InlineData("kubernetes", "kubernetes")]
    public async Task Publish_OfTheModel_IsWhatIsCommitted(string export, string under, params string[] names)
    {
        var folder = await Publisher.PublishAsync(export);
        var target = Path.Combine(Committed, under);
        var published = Files(folder);

        Assert.Equal(names.Length > 0 ? names : Files(target), published);
        foreach (var file in published)
        {
            Assert.True(
                await File.ReadAllTextAsync(Path.Combine(folder, file), TestContext.Current.CancellationToken)
                    == (await File.ReadAllTextAsync(Path.Combine(target, file), TestContext.Current.CancellationToken)).ReplaceLineEndings("\n"),
                $"{Path.Combine(target, file)} is not what the model publishes. Publish it again: docs/aspire.md says how.");
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Publish_UnknownExport_IsOneClearLine()
    {
        var (code, output) = await Publisher.RunAsync("--operation", "publish", "--step", "publish", "--EXPORT=heroku");

        Assert.Equal(1, code);
        Assert.Contains("EXPORT=heroku", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static string[] Files(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
}
