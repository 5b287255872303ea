using Kiro.Cluster.Nodes;

namespace Kiro.Cluster.Output;

/// <summary>The addresses, shown once everything runs.</summary>
internal static class AddressBlock
{
    public static IEnumerable<string> Lines(IReadOnlyList<Node> nodes, string database)
    {
        var width = nodes.Max(node => node.Name.Length);
        yield return "";
        if (nodes.FirstOrDefault(node => node.IsBalancer) is { } balancer)
        {
            yield return Entry("balancer", $"{Text(balancer)}");
            yield return Entry("", $"{Pages(balancer)}/lb           nodes and routes");
            yield return Entry("", $"{Text(balancer)}/status.html  status of the API");
        }

        foreach (var node in nodes.Where(node => !node.IsBalancer))
        {
            yield return Entry(node.Name, Text(node));
        }

        yield return Entry("database", database);
        yield return Entry("stop", "Ctrl-C");
        yield return "";

        string Entry(string name, string value) => $"  {name.PadRight(Math.Max(width, "database".Length))}  {value}";
    }

    /// <summary>The same, for the head of the live table.</summary>
    public static IReadOnlyList<string> Head(IReadOnlyList<Node> nodes, string database) =>
        nodes.FirstOrDefault(node => node.IsBalancer) is { } balancer
            ? [$"{Text(balancer)}   {(balancer.Pages is null ? "" : Pages(balancer))}/lb nodes and routes   /status.html status of the API", database]
            : [database];

    private static string Pages(Node node) => (node.Pages ?? node.Address).GetLeftPart(UriPartial.Authority);

    private static string Text(Node node) => node.Address.GetLeftPart(UriPartial.Authority);
}
