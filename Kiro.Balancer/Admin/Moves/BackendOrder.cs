using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Admin.Moves;

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
