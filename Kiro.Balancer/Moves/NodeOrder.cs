using System.Globalization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Moves;

/// <summary>By name, and by the number that a name ends with: api-2 stands before api-10.</summary>
internal sealed class NodeOrder : IComparer<Backend>
{
    public static NodeOrder Instance { get; } = new();

    public int Compare(Backend? x, Backend? y)
    {
        var (first, second) = (Split(x), Split(y));
        var names = string.CompareOrdinal(first.Name, second.Name);
        return names != 0 ? names : first.Number.CompareTo(second.Number);
    }

    private static (string Name, long Number) Split(Backend? backend)
    {
        var text = backend?.Health.Node ?? backend?.Id ?? "";
        var name = text.TrimEnd("0123456789".ToCharArray());
        return (name, long.TryParse(text.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1);
    }
}
