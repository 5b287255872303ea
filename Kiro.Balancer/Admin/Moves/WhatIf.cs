using System.Globalization;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Determines which clients would move in a hypothetical cluster.</summary>
/// <param name="registry">The current backends.</param>
/// <param name="counter">Counts moving clients.</param>
/// <param name="sessions">The clients' sessions; null without session affinity.</param>
internal sealed class WhatIf(BackendRegistry registry, MoveCounter counter, SessionTable? sessions = null) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    // One at a time: with many backends an answer takes a tenth of a second of CPU time that requests need.
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <param name="question">The question.</param>
    /// <param name="slot">The caller's slot; null if it has none yet.</param>
    /// <param name="cancellationToken">The request was aborted.</param>
    /// <returns>Null if too many others are waiting.</returns>
    public async Task<WhatIfResponse?> AnswerAsync(WhatIfQuestion question, int? slot, CancellationToken cancellationToken)
    {
        if (!await _gate.WaitAsync(Timeout, cancellationToken))
        {
            return null;
        }

        try
        {
            return ResponseOf(registry.Current, question, slot);
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private WhatIfResponse ResponseOf(BackendSnapshot now, WhatIfQuestion question, int? slot)
    {
        var then = WhatIfSnapshot.Of(now, question);
        var moves = counter.Count(now, then);
        var atOnce = sessions is null ? moves : counter.Count(now, then, holders: sessions);
        var holder = slot is { } asked ? sessions?.HolderOf(asked) ?? Tenure.None : Tenure.None;
        var from = slot is { } before ? At(now, now.Selector.Home(before, holder)) : null;
        var to = slot is { } after ? At(then, then.Selector.Home(after, holder)) : null;
        return new WhatIfResponse(
            Math.Round(moves.Share, 4), moves.Clients, atOnce.Clients, moves.RecentClients,
            new WhatIfRoute(from, to, from?.Id != to?.Id), Nodes(now, then, moves));
    }

    private static WhatIfNode[] Nodes(BackendSnapshot now, BackendSnapshot then, MoveReport moves)
    {
        var (before, after) = (Shares(now), Shares(then));
        var gains = moves.Flows.ToLookup(flow => flow.To);
        return [.. now.Backends.Concat(then.Backends).DistinctBy(backend => backend.Id).Select(backend => new WhatIfNode
        {
            Id = backend.Id,
            Node = backend.Health.Node,
            Change = !before.ContainsKey(backend.Id) ? "joins" : !after.ContainsKey(backend.Id) ? "leaves" : "stays",
            Before = before.GetValueOrDefault(backend.Id),
            After = after.GetValueOrDefault(backend.Id),
            Gains = Math.Round(gains[backend.Id].Sum(flow => flow.Share), 4),
            GainsClients = gains[backend.Id].Sum(flow => flow.Clients),
        })];
    }

    private static Dictionary<string, double> Shares(BackendSnapshot snapshot) => snapshot.Backends
        .Select((backend, index) => (backend.Id, Share: snapshot.Selector.IsPanic ? 0 : Math.Round(snapshot.Selector.Shares[index], 4)))
        .ToDictionary(item => item.Id, item => item.Share);

    private static NodeName? At(BackendSnapshot snapshot, int index) => index < 0 ? null : NamedBackend.NameOf(snapshot.Backends[index]);
}

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

/// <summary>Builds the snapshot of a hypothetical cluster.</summary>
internal static class WhatIfSnapshot
{
    public static BackendSnapshot Of(BackendSnapshot now, WhatIfQuestion question)
    {
        KnownBackend[] backends = [.. Members(now.Backends, question).OrderBy(backend => backend.Id, StringComparer.Ordinal)];
        var candidates = Array.ConvertAll(backends, backend => backend.AsCandidate(now.SelectedAt));
        var ranking = new Rendezvous(candidates, now.Selector.Ranking.Seed, useTable: false);
        return new BackendSnapshot(backends, new Selector(candidates, ranking, now.Options), now.Options, now.SelectedAt);
    }

    private static IEnumerable<KnownBackend> Members(IReadOnlyList<KnownBackend> now, WhatIfQuestion question) => question switch
    {
        { Nodes: { } count } when count >= now.Count => now.Concat(NewBackends(now, count - now.Count)),
        // Scaling down removes the newest.
        { Nodes: { } count } => now.Order(BackendOrder.Instance).Take(count),
        { Leaving: { } leaving } => now.ExceptBy(leaving.Select(known => known.Backend), known => known.Backend),
        { Weight: var (changed, weight) } => now.Select(known => known.Backend == changed.Backend ? known with { OperatorWeight = weight } : known),
        _ => now,
    };

    // Which clients a new backend gets depends on its address, but how many does not. Its weight is the most common one.
    private static IEnumerable<KnownBackend> NewBackends(IReadOnlyList<KnownBackend> now, int count)
    {
        var weight = now.CountBy(known => known.Weight).OrderByDescending(weights => weights.Value).FirstOrDefault().Key;
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        return Enumerable.Range(now.Count + 1, count).Select(number => new KnownBackend(new Backend($"new-{number}", 1), up with { Node = $"new-{number}" })
        {
            DiscoveredWeight = weight > 0 ? weight : 1,
        });
    }
}

/// <summary>Natural order of names: api-2 before api-10, 10.0.0.9:80 before 10.0.0.10:80.</summary>
// CompareOptions.NumericOrdering needs globalization data, which the containers do not have.
internal sealed class BackendOrder : IComparer<KnownBackend>
{
    public static BackendOrder Instance { get; } = new();

    public int Compare(KnownBackend? x, KnownBackend? y) => Compare(NameOf(x), NameOf(y));

    private static ReadOnlySpan<char> NameOf(KnownBackend? backend) => backend?.Name;

    private static int Compare(ReadOnlySpan<char> first, ReadOnlySpan<char> second)
    {
        while (!first.IsEmpty && !second.IsEmpty)
        {
            var order = first[0].CompareTo(second[0]);
            if (char.IsAsciiDigit(first[0]) && char.IsAsciiDigit(second[0]))
            {
                var one = Number(ref first);
                var other = Number(ref second);
                order = one.Length != other.Length ? one.Length.CompareTo(other.Length) : one.CompareTo(other, StringComparison.Ordinal);
            }
            else
            {
                first = first[1..];
                second = second[1..];
            }

            if (order != 0)
            {
                return order;
            }
        }

        return first.Length.CompareTo(second.Length);
    }

    /// <summary>Splits off the leading digits, without leading zeros.</summary>
    private static ReadOnlySpan<char> Number(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? text : text[..end];
        text = text[digits.Length..];
        return digits.TrimStart('0');
    }
}

/// <summary>Finds a backend by its id or by the name that it reports.</summary>
/// <param name="Backend">The backend; null unless there is exactly one.</param>
/// <param name="Status">404 or 409 if there is not, else 200.</param>
/// <param name="Problem">The reason, in one line.</param>
internal readonly record struct NamedBackend(KnownBackend? Backend, int Status, string? Problem)
{
    private const int MaxShown = 60;

    public static NamedBackend Of(BackendSnapshot snapshot, string name) => snapshot.Find(name) switch
    {
        [var backend] => new(backend, StatusCodes.Status200OK, null),
        [] => new(null, StatusCodes.Status404NotFound, $"no such node: {Shortened(name)}"),
        var several => new(null, StatusCodes.Status409Conflict,
            $"several nodes are called {Shortened(name)}, use an id instead: {string.Join(", ", several.Select(node => node.Id))}"),
    };

    public static NodeName NameOf(KnownBackend backend) => new(backend.Id, backend.Health.Node);

    // Ensures a single line.
    private static string Shortened(string name)
    {
        var line = string.Concat(name.Where(c => !char.IsControl(c)));
        return line.Length > MaxShown ? line[..MaxShown] + "…" : line;
    }
}
