using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace Kiro.Tests.Containers;

/// <summary>
/// Renders the chart in compose-export/kubernetes. Helm itself is not needed for it: of Helm's language the chart has the
/// names of chart and release, values, and three functions. Anything else is an error.
/// </summary>
internal sealed partial class Chart
{
    private readonly Dictionary<string, object> _values;
    private readonly string _name;

    public Chart()
    {
        var parser = new DeserializerBuilder().Build();
        _values = parser.Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Folder, "values.yaml")));
        _name = (string)parser.Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(Folder, "Chart.yaml")))["name"];
    }

    public static string Folder { get; } = Path.Combine(Docker.Root, "compose-export", "kubernetes");

    /// <summary>The template files.</summary>
    public static IEnumerable<string> Templates =>
        Directory.GetFiles(Path.Combine(Folder, "templates"), "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal);

    /// <summary>The values that templates have asked for so far, by their paths.</summary>
    public HashSet<string> Asked { get; } = [];

    /// <summary>All values, by their paths.</summary>
    public IEnumerable<string> Values => Paths(_values, "");

    /// <summary>Sets a value, as <c>--set-string</c> does.</summary>
    public void Set(string path, string value)
    {
        var parts = path.Split('.');
        var at = parts[..^1].Aggregate((System.Collections.IDictionary)_values, (values, part) => (System.Collections.IDictionary)values[part]!);
        Assert.True(at.Contains(parts[^1]), path);
        at[parts[^1]] = value;
    }

    public string Render(string file) => Action().Replace(File.ReadAllText(file), match =>
    {
        var steps = match.Groups[1].Value.Split('|', StringSplitOptions.TrimEntries);
        return steps[1..].Aggregate(Value(steps[0]), Apply);
    });

    private string Value(string name)
    {
        switch (name)
        {
            case ".Chart.Name":
                return _name;
            case ".Release.Name":
                return "test";
        }

        Assert.StartsWith(".Values.", name, StringComparison.Ordinal);
        Asked.Add(name[8..]);
        object? value = _values;
        foreach (var part in name[8..].Split('.'))
        {
            value = (value as System.Collections.IDictionary)?[part];
            Assert.True(value is not null, $"values.yaml has no {name}");
        }

        return Assert.IsType<string>(value);
    }

    private static string Apply(string value, string function) => function switch
    {
        "toString" => value,
        "b64enc" => Convert.ToBase64String(Encoding.UTF8.GetBytes(value)),
        "quote" => $"\"{value.Replace("\"", "\\\"", StringComparison.Ordinal)}\"",
        _ => throw new NotSupportedException(function),
    };

    private static IEnumerable<string> Paths(object value, string path) => value is System.Collections.IDictionary values
        ? values.Keys.Cast<string>().SelectMany(key => Paths(values[key]!, path.Length == 0 ? key : $"{path}.{key}"))
        : [path];

    [GeneratedRegex(@"\{\{-?\s*(.*?)\s*-?\}\}")]
    private static partial Regex Action();
}
