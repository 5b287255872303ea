using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Kiro.Api.Nodes;
using Kiro.Api.Problems;

namespace Kiro.Api.Demo;

/// <summary>Endpoints that simulate the work of a real API: echo, slow response, event stream.</summary>
internal static class DemoEndpoints
{
    private const int MaxWait = 60_000;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static void MapDemo(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/echo", EchoAsync);
        app.MapGet("/api/slow", SlowAsync);
        app.MapGet("/api/events", (NodeIdentity node, IHostApplicationLifetime lifetime, TimeProvider time, HttpContext context) =>
            TypedResults.ServerSentEvents(TicksAsync(node, time, lifetime.ApplicationStopping, context.RequestAborted)));
    }

    /// <summary>Echoes the body as it arrives.</summary>
    private static Task EchoAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.ContentType = request.ContentType;
        response.ContentLength = request.ContentLength;
        response.Headers.XContentTypeOptions = "nosniff";
        return request.Body.CopyToAsync(response.Body, context.RequestAborted);
    }

    /// <summary>Responds after <c>ms</c> milliseconds, even while the node drains.</summary>
    private static async Task<IResult> SlowAsync(string? ms, NodeIdentity node, TimeProvider time, CancellationToken aborted)
    {
        if (!int.TryParse(ms ?? "1000", out var wait) || wait is < 0 or > MaxWait)
        {
            return Problem.Response(StatusCodes.Status400BadRequest, $"ms must be a whole number from 0 to {MaxWait}.");
        }

        await Task.Delay(TimeSpan.FromMilliseconds(wait), time, aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Results.Json(new SlowResponse(node.Name, wait));
    }

    /// <summary>One tick per second, until the client disconnects or the node stops.</summary>
    private static async IAsyncEnumerable<SseItem<Tick>> TicksAsync(
        NodeIdentity node, TimeProvider time, CancellationToken stopping, [EnumeratorCancellation] CancellationToken aborted)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted);
        for (var number = 1L; !end.IsCancellationRequested; number++)
        {
            yield return new SseItem<Tick>(new Tick(node.Name, number, time.GetUtcNow()), "tick");
            await Task.Delay(Second, time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

/// <summary>The delayed response.</summary>
internal sealed record SlowResponse(string Node, int Ms);

/// <summary>One server-sent event.</summary>
internal sealed record Tick(string Node, long Number, DateTimeOffset At);
