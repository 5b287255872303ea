using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The response to an operator's order that was carried out.</summary>
/// <param name="Id">The node.</param>
/// <param name="State">Its state afterwards.</param>
/// <param name="Error">Always null: an order that is refused gets a <see cref="ProblemResponse"/>.</param>
/// <param name="Sessions">How many clients have a session with it, which a drain lets end; left out when sessions do not stay.</param>
internal sealed record OrderResponse(
    string Id, string State, string? Error = null, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Sessions = null);

/// <summary>The body of <c>POST /lb/backends/{id}/weight</c>.</summary>
/// <param name="Weight">The weight; null for the one that discovery gives the node.</param>
internal sealed record WeightRequest([property: JsonRequired] double? Weight);
