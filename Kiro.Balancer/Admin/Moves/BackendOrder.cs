using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Moves;

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
