using System.Text.RegularExpressions;
using System.Xml.Linq;
using Kiro.Tests.Support;

namespace Kiro.Tests.Ci;

/// <summary>The version is set in Directory.Build.props; everything else that names it must match.</summary>
public sealed partial class VersionTests
{
    private static readonly string Version = XDocument.Load(Path.Combine(Repository.Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    [Fact]
    public void Version_InDeploymentFilesAndDocs_IsTheSame()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "compose-export"), "*", SearchOption.AllDirectories), Path.Combine(Repository.Root, "README.md"), Path.Combine(Repository.Root, "docs", "install.md")];

        var named = files.SelectMany(file => Named().Matches(File.ReadAllText(file)).Select(match => (File: Path.GetRelativePath(Repository.Root, file), Version: match.Groups[1].Value))).ToList();

        Assert.True(named.Count > 10);
        Assert.All(named, name => Assert.Equal((name.File, Version), name));
    }

    [Fact]
    public void Changelog_CurrentVersion_HasASection() =>
        Assert.Matches($@"(?m)^## \[{Regex.Escape(Version)}\] - \d{{4}}-\d{{2}}-\d{{2}}$", File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md")));

    [GeneratedRegex("(?:kiro-api:|kiro-balancer:|kiro-|Kiro |appVersion: \"|^version: \")([0-9]+\\.[0-9]+\\.[0-9]+)", RegexOptions.Multiline)]
    private static partial Regex Named();
}
