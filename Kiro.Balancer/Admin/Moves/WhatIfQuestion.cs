using System.Globalization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>A hypothetical cluster. Exactly one of the three is set.</summary>
/// <param name="Nodes">This number of backends.</param>
/// <param name="Leaving">Without these backends.</param>
/// <param name="Weight">With another weight for a backend.</param>
internal sealed record WhatIfQuestion(int? Nodes, IReadOnlyList<KnownBackend>? Leaving, (KnownBackend Backend, double Weight)? Weight)
{
    public const int MaxNodes = 1000;
    private const string Usage = "ask one of nodes=10 (1 to 1000), leave=api-3,api-4 and weight=api-3*2 (0.01 to 1000)";

    /// <summary>Parses the query of <c>GET /lb/what-if</c>.</summary>
    /// <returns>The question, or null and the reason in one line.</returns>
    public static (WhatIfQuestion? Question, string? Problem) Read(IQueryCollection query, BackendSnapshot snapshot)
    {
        if (query.Count != 1 || query.Single() is not { Value: [{ } text] } pair)
        {
            return (null, Usage);
        }

        return pair.Key switch
        {
            "nodes" => ReadNodes(text),
            "leave" => ReadLeaving(text, snapshot),
            "weight" => ReadWeight(text, snapshot),
            _ => (null, Usage),
        };
    }

    private static (WhatIfQuestion?, string?) ReadNodes(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var nodes) && nodes is >= 1 and <= MaxNodes
            ? (new WhatIfQuestion(nodes, null, null), null)
            : (null, $"nodes must be a whole number from 1 to {MaxNodes}");

    private static (WhatIfQuestion?, string?) ReadLeaving(string text, BackendSnapshot snapshot)
    {
        var leaving = new List<KnownBackend>();
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var (found, _, problem) = NamedBackend.Of(snapshot, name);
            if (found is not { } backend)
            {
                return (null, problem);
            }

            leaving.Add(backend);
        }

        return (new WhatIfQuestion(null, leaving, null), null);
    }

    private static (WhatIfQuestion?, string?) ReadWeight(string text, BackendSnapshot snapshot)
    {
        var star = text.LastIndexOf('*');
        if (star < 0)
        {
            return (null, Usage);
        }

        var (found, _, problem) = NamedBackend.Of(snapshot, text[..star]);
        if (found is not { } backend)
        {
            return (null, problem);
        }

        return double.TryParse(text.AsSpan(star + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight)
            && BackendWeight.IsValid(weight)
                ? (new WhatIfQuestion(null, null, (backend, weight)), null)
                : (null, $"the weight must be {BackendWeight.Allowed}");
    }
}
