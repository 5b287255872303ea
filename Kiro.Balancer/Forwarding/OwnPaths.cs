using System.Text;

namespace Kiro.Balancer.Forwarding;

/// <summary>Tells what can be no endpoint of the balancer itself, faster than routing does: by the first segment of the path.</summary>
/// <param name="sources">The endpoints; they are looked at with the first request.</param>
internal sealed class OwnPaths(IEnumerable<EndpointDataSource> sources)
{
    private readonly Lazy<string[]> _firstSegments = new(() =>
    [
        .. sources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.PathSegments is [{ IsSimple: true, Parts: [Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart] }, ..])
            .Select(endpoint => ((Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart)endpoint.RoutePattern.PathSegments[0].Parts[0]).Content)
            .Distinct(StringComparer.OrdinalIgnoreCase),
    ]);

    public bool MayContain(PathString path)
    {
        var first = path.Value.AsSpan().TrimStart('/');
        first = first.IndexOf('/') is >= 0 and var end ? first[..end] : first;
        foreach (var segment in _firstSegments.Value)
        {
            if (first.Equals(segment, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The same for a path, and what follows it, as the client wrote it: only the plain spelling is one's own.</summary>
    public bool MayContain(ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty || path[0] != '/')
        {
            return false;
        }

        var first = path[1..];
        first = first.IndexOfAny((byte)'/', (byte)'?') is >= 0 and var end ? first[..end] : first;
        foreach (var segment in _firstSegments.Value)
        {
            if (first.Length == segment.Length && Ascii.EqualsIgnoreCase(first, segment))
            {
                return true;
            }
        }

        return false;
    }
}
