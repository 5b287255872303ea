using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Ci;

/// <summary>The source files, folders and tests named in the docs exist.</summary>
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

    [Fact]
    public void Docs_NamedTests_Exist()
    {
        var methods = typeof(ArchitectureTests).Assembly.GetTypes().SelectMany(type => type.GetMethods().Select(method => $"{type.Name}.{method.Name}")).ToHashSet();

        var named = Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .SelectMany(text => TestMethod().Matches(File.ReadAllText(text))).Select(match => match.Groups[1].Value).ToList();

        Assert.True(named.Count >= 15, $"only {named.Count} names found");
        Assert.All(named, name => Assert.Contains(name, methods));
    }

    private static bool Exists(string name) =>
        Directory.Exists(Path.Combine(Balancer, name)) || File.Exists(Path.Combine(Balancer, name + ".cs"));

    [GeneratedRegex("`([A-Z]\\w+(?:/\\w+)+)`")]
    private static partial Regex SourcePath();

    [GeneratedRegex("`(\\w+Tests\\.\\w+)[^`]*`")]
    private static partial Regex TestMethod();
}
