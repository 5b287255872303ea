using System.Text.Json;
using Kiro.Tests.Support;
using YamlDotNet.Serialization;

namespace Kiro.Tests.Monitoring;

/// <summary>The expressions in <c>docs/monitoring</c>.</summary>
internal static class MonitoringFiles
{
    public static IReadOnlyList<string> Dashboard()
    {
        using var json = JsonDocument.Parse(Read("kiro-dashboard.json"));
        var found = new List<string>();
        Collect(json.RootElement, found);
        return found;
    }

    /// <summary>The queries of the dashboard variables: <c>label_values(metric, label)</c>.</summary>
    public static IReadOnlyList<string> Variables()
    {
        using var json = JsonDocument.Parse(Read("kiro-dashboard.json"));
        return [.. json.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray()
            .Where(variable => variable.GetProperty("type").GetString() == "query")
            .Select(variable => variable.GetProperty("query").GetProperty("query").GetString()!)];
    }

    public static IReadOnlyList<string> Alerts()
    {
        var rules = new DeserializerBuilder().Build().Deserialize<Dictionary<string, List<Dictionary<string, object>>>>(Read("kiro-alerts.yml"));
        return [.. rules["groups"].SelectMany(group => (List<object>)group["rules"]).Select(rule => (string)((Dictionary<object, object>)rule)["expr"])];
    }

    private static string Read(string name) => File.ReadAllText(Path.Combine(Repository.Root, "docs", "monitoring", name));

    private static void Collect(JsonElement element, List<string> found)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
            {
                Collect(item, found);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in element.EnumerateObject())
            {
                if (property.Name == "expr")
                {
                    found.Add(property.Value.GetString()!);
                }

                Collect(property.Value, found);
            }
        }
    }
}
