using Kiro.Tests.Support;
using YamlDotNet.Serialization;

namespace Kiro.Tests.Containers;

/// <summary>The chart in compose-export/kubernetes as rendered by Helm, which needs no cluster.</summary>
internal static class Chart
{
    /// <summary>The paths of its values.</summary>
    public static IEnumerable<string> Values => Paths(
        new DeserializerBuilder().Build().Deserialize<Dictionary<object, object?>>(File.ReadAllText(Path.Combine(Repository.Root, "compose-export", "kubernetes", "values.yaml"))), "");

    /// <summary>Renders the release <c>kiro</c> with options such as <c>--set name=value</c>.</summary>
    public static Task<string> RenderAsync(params string[] settings) => HelmAsync(["template", "kiro", "kubernetes", .. settings]);

    /// <summary>Runs Helm in compose-export/; skips the test if it is not installed.</summary>
    public static Task<string> HelmAsync(params string[] arguments)
    {
        Requirement.Need("helm", Requirement.Find("helm") is not null, "Helm is not installed (.ci/helm installs it).");
        return Docker.RunAsync("helm", arguments);
    }

    private static IEnumerable<string> Paths(object? value, string path) => value is Dictionary<object, object?> values
        ? values.SelectMany(item => Paths(item.Value, path.Length == 0 ? $"{item.Key}" : $"{path}.{item.Key}"))
        : [path];
}
