using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>compose-export/.env.example lists every variable of the Compose files with its default.</summary>
public sealed partial class ExampleTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "compose-export");

    [Fact]
    public void Example_Variables_AreThoseOfTheFiles() => Assert.Equal(
        Used().Select(variable => variable.Name).Distinct().Order(StringComparer.Ordinal),
        Example().Select(variable => variable.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Example_Values_AreTheDefaultsOfTheFiles()
    {
        var defaults = Used().ToLookup(variable => variable.Name, variable => variable.Default);

        Assert.All(Example().Where(variable => !variable.IsOff), variable =>
            Assert.All(defaults[variable.Name], value => Assert.Equal(variable.Value, value)));
    }

    private static IEnumerable<(string Name, string Default)> Used() => Directory.GetFiles(Folder, "docker-*.yml")
        .SelectMany(file => Variable().Matches(File.ReadAllText(file)))
        .Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static IEnumerable<(string Name, string Value, bool IsOff)> Example() => File.ReadLines(Path.Combine(Folder, ".env.example"))
        .Select(line => Line().Match(line))
        .Where(match => match.Success)
        .Select(match => (match.Groups[2].Value, match.Groups[3].Value, match.Groups[1].Length > 0));

    [GeneratedRegex(@"\$\{([A-Z_]+):-([^}]*)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^(# )?([A-Z_]+)=(.*)$")]
    private static partial Regex Line();
}
