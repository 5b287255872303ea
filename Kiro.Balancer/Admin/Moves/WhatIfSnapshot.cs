using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Builds the snapshot of a cluster that might be, out of the same parts as a real one.</summary>
internal static class WhatIfSnapshot
{
    public static BackendSnapshot Of(BackendSnapshot now, WhatIfQuestion question)
    {
        KnownBackend[] backends = [.. Members(now.Backends, question).OrderBy(backend => backend.Id, StringComparer.Ordinal)];
        var candidates = Array.ConvertAll(backends, backend => backend.AsCandidate(now.SelectedAt));
        var ranking = new Rendezvous(candidates, now.Selector.Ranking.Seed, isKept: false);
        return new BackendSnapshot(backends, new Selector(candidates, ranking, now.Options), now.Options, now.SelectedAt);
    }

    private static IEnumerable<KnownBackend> Members(IReadOnlyList<KnownBackend> now, WhatIfQuestion question) => question switch
    {
        { Nodes: { } count } when count >= now.Count => now.Concat(Newcomers(now, count - now.Count)),
        // Whoever scales down takes away those that came last.
        { Nodes: { } count } => now.Order(BackendOrder.Instance).Take(count),
        { Leaving: { } leaving } => now.ExceptBy(leaving.Select(known => known.Backend), known => known.Backend),
        { Weight: var (changed, weight) } => now.Select(known => known.Backend == changed.Backend ? known with { OperatorWeight = weight } : known),
        _ => now,
    };

    // Which clients come to a new node depends on its address, how many does not. It has the weight that most nodes have.
    private static IEnumerable<KnownBackend> Newcomers(IReadOnlyList<KnownBackend> now, int count)
    {
        var weight = now.CountBy(known => known.Weight).OrderByDescending(weights => weights.Value).FirstOrDefault().Key;
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        return Enumerable.Range(now.Count + 1, count).Select(number => new KnownBackend(new Backend($"new-{number}", 1), up with { Node = $"new-{number}" })
        {
            DiscoveredWeight = weight > 0 ? weight : 1,
        });
    }
}

/// <summary>By name, numbers within it by their value: api-2 stands before api-10, 10.0.0.9:80 before 10.0.0.10:80.</summary>
// .NET's CompareOptions.NumericOrdering does the same, but not in the containers, which have no globalization data.
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

    /// <summary>Takes the digits off the front, without leading zeros.</summary>
    private static ReadOnlySpan<char> Number(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? text : text[..end];
        text = text[digits.Length..];
        return digits.TrimStart('0');
    }
}
