using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Ci;

/// <summary>The source files and folders named in the docs exist.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Balancer = Path.Combine(Repository.Root, "Kiro.Balancer");

    [Theory]
    [InlineData("architecture.md", 30)]
    [InlineData("decisions", 2)]
    public void Docs_NamedFilesAndFolders_Exist(string docs, int atLeast)
    {
        var path = Path.Combine(Repository.Root, "docs", docs);
        var texts = File.Exists(path) ? [path] : Directory.GetFiles(path, "*.md");

        var named = texts.SelectMany(text => SourcePath().Matches(File.ReadAllText(text))).Select(match => match.Groups[1].Value)
            .Where(name => Directory.Exists(Path.Combine(Balancer, name.Split('/')[0]))).ToList();

        Assert.True(named.Count >= atLeast, $"only {named.Count} names found");
        Assert.All(named, name => Assert.True(Exists(name), $"{name} is not in Kiro.Balancer"));
    }

    private static bool Exists(string name) =>
        Directory.Exists(Path.Combine(Balancer, name)) || File.Exists(Path.Combine(Balancer, name + ".cs"));

    [GeneratedRegex("`([A-Z]\\w+(?:/\\w+)+)`")]
    private static partial Regex SourcePath();
}
