using Kiro.Balancer.Admin.Contract;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Kiro.Balancer.Forwarding;

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
        Problem.Result(StatusCodes.Status404NotFound, "the balancer has nothing here").ExecuteAsync(context);

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
