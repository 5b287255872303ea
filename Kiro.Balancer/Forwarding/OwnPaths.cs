using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// The balancer's own paths. They are matched byte for byte: <c>/LB</c>, <c>//lb</c>, <c>/%6Cb</c> and <c>/health/</c> are forwarded. A proxy in
/// front that blocks <c>/lb</c> can therefore rely on that spelling.
/// </summary>
/// <param name="hasAdminListener">Whether the admin pages have a listener of their own, so that their paths are forwarded here.</param>
internal sealed class OwnPaths(bool hasAdminListener)
{
    // The longest prefix that is compared.
    private const int MaxPrefix = 9;

    /// <summary>The paths of the admin listener.</summary>
    public static OwnPaths ForAdminListener { get; } = new(hasAdminListener: false);

    /// <param name="target">Path and query as the client sent them.</param>
    public bool Contains(ReadOnlySpan<byte> target)
    {
        var pages = "/lb"u8;
        // The whole subtree is the balancer's, whether a page exists or not.
        return target.StartsWith(pages) ? !hasAdminListener && (target.Length == pages.Length || target[pages.Length] is (byte)'/' or (byte)'?')
            : IsProbe(target) || (!hasAdminListener && Is(target, "/metrics"u8));
    }

    /// <inheritdoc cref="Contains(ReadOnlySpan{byte})"/>
    public bool Contains(HttpContext context)
    {
        Span<byte> bytes = stackalloc byte[MaxPrefix];
        return Contains(bytes[..ReadPrefix(context, bytes)]);
    }

    /// <summary>Whether the request asks for the balancer's own health.</summary>
    public static bool IsProbe(HttpContext context)
    {
        Span<byte> bytes = stackalloc byte[MaxPrefix];
        return IsProbe(bytes[..ReadPrefix(context, bytes)]);
    }

    private static bool IsProbe(ReadOnlySpan<byte> target) => Is(target, "/health"u8) || Is(target, "/alive"u8);

    private static int ReadPrefix(HttpContext context, Span<byte> bytes)
    {
        var target = OriginForm.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, context.Request.Method).AsSpan();
        return Encoding.Latin1.GetBytes(target[..Math.Min(target.Length, MaxPrefix)], bytes);
    }

    private static bool Is(ReadOnlySpan<byte> target, ReadOnlySpan<byte> own) =>
        target.StartsWith(own) && (target.Length == own.Length || target[own.Length] == '?');
}

/// <summary>Makes routing case-sensitive.</summary>
internal static class ExactPaths
{
    /// <summary>After routing: refuses paths that matched in another spelling, and sets <c>nosniff</c> on all others.</summary>
    public static void UseExactPaths(this IApplicationBuilder app) => app.Use(next => context =>
    {
        if (context.GetEndpoint() is not RouteEndpoint { RoutePattern: var pattern } || pattern.PathSegments is [{ Parts: [RoutePatternParameterPart { IsCatchAll: true }] }])
        {
            return next(context);
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        return MatchesExactly(pattern, context.Request.Path.Value) ? next(context) : NotFoundAsync(context);
    });

    public static Task NotFoundAsync(HttpContext context) =>
        ProblemResponse.Result(StatusCodes.Status404NotFound, "the balancer has no such path").ExecuteAsync(context);

    private static bool MatchesExactly(RoutePattern pattern, ReadOnlySpan<char> path)
    {
        path = path.TrimStart('/');
        foreach (var segment in pattern.PathSegments)
        {
            var end = path.IndexOf('/');
            var actual = end < 0 ? path : path[..end];
            path = end < 0 ? [] : path[(end + 1)..];
            if (segment.Parts is [RoutePatternLiteralPart literal] && !actual.SequenceEqual(literal.Content))
            {
                return false;
            }
        }

        return true;
    }
}
