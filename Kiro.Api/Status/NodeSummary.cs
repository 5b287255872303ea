using System.Text.Json.Serialization;
using Kiro.Api.Nodes;

namespace Kiro.Api.Status;

/// <summary>A node as the public may see it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">As in <see cref="NodeAnswer"/>.</param>
/// <param name="Address">Only for the administrator; else it is left out.</param>
internal sealed record NodeSummary(
    string Name, string State, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Address)
{
    public static NodeSummary Of(NodeAnswer node, bool isAdmin) => new(node.Name, node.State, isAdmin ? node.Address : null);
}
