using System.Text;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Tells which paths are the balancer's own. They are matched as they are written, letter by letter: <c>/LB</c>, <c>//lb</c>,
/// <c>/%6Cb</c> and <c>/health/</c> are the nodes'. So whoever keeps <c>/lb</c> from strangers by a rule of a proxy before us
/// can rely on that spelling.
/// </summary>
/// <param name="pagesAreElsewhere">Whether the operator's pages have a listener of their own, so that their paths here are the
/// nodes'.</param>
internal sealed class OwnPaths(bool pagesAreElsewhere)
{
    // As much of a target as it takes to tell.
    private const int MaxLooked = 9;

    /// <summary>Those of a listener for operators.</summary>
    public static OwnPaths ForAdminListener { get; } = new(pagesAreElsewhere: false);

    /// <param name="target">Path and query as the client wrote them.</param>
    public bool Contains(ReadOnlySpan<byte> target)
    {
        var pages = "/lb"u8;
        // What is below the pages is the balancer's, whether there is anything or not.
        return target.StartsWith(pages) ? !pagesAreElsewhere && (target.Length == pages.Length || target[pages.Length] is (byte)'/' or (byte)'?')
            : IsProbe(target) || (!pagesAreElsewhere && Is(target, "/metrics"u8));
    }

    /// <summary>The same for a request that Kestrel has read.</summary>
    public bool Contains(HttpContext context)
    {
        Span<byte> bytes = stackalloc byte[MaxLooked];
        return Contains(bytes[..Look(context, bytes)]);
    }

    /// <summary>Whether a request that Kestrel has read asks for the balancer's own health.</summary>
    public static bool IsProbe(HttpContext context)
    {
        Span<byte> bytes = stackalloc byte[MaxLooked];
        return IsProbe(bytes[..Look(context, bytes)]);
    }

    private static bool IsProbe(ReadOnlySpan<byte> target) => Is(target, "/health"u8) || Is(target, "/alive"u8);

    private static int Look(HttpContext context, Span<byte> bytes)
    {
        var target = OriginForm.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, context.Request.Method).AsSpan();
        return Encoding.Latin1.GetBytes(target[..Math.Min(target.Length, MaxLooked)], bytes);
    }

    private static bool Is(ReadOnlySpan<byte> target, ReadOnlySpan<byte> own) =>
        target.StartsWith(own) && (target.Length == own.Length || target[own.Length] == '?');
}

/// <summary>Routing takes capitals for small letters. Here a path is what it is written as.</summary>
internal static class ExactPaths
{
    /// <summary>After routing: what it found by another spelling is not there. What it found is answered with <c>nosniff</c>.</summary>
    public static void UseExactPaths(this IApplicationBuilder app) => app.Use(next => context =>
    {
        if (context.GetEndpoint() is not RouteEndpoint { RoutePattern: var pattern } || pattern.PathSegments is [{ Parts: [RoutePatternParameterPart { IsCatchAll: true }] }])
        {
            return next(context);
        }

        context.Response.Headers.XContentTypeOptions = "nosniff";
        return IsWritten(pattern, context.Request.Path.Value) ? next(context) : RefuseAsync(context);
    });

    /// <summary>Says that there is nothing.</summary>
    public static Task RefuseAsync(HttpContext context) =>
        ProblemResponse.Result(StatusCodes.Status404NotFound, "the balancer has nothing here").ExecuteAsync(context);

    private static bool IsWritten(RoutePattern pattern, ReadOnlySpan<char> path)
    {
        path = path.TrimStart('/');
        foreach (var segment in pattern.PathSegments)
        {
            var end = path.IndexOf('/');
            var written = end < 0 ? path : path[..end];
            path = end < 0 ? [] : path[(end + 1)..];
            if (segment.Parts is [RoutePatternLiteralPart literal] && !written.SequenceEqual(literal.Content))
            {
                return false;
            }
        }

        return true;
    }
}
