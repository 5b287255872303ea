using System.Globalization;
using System.IO.Hashing;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http;

namespace Kiro.Tests.Support;

/// <summary>The routes of a <see cref="TestBackend"/>. Any other path echoes the request as JSON.</summary>
internal static class TestBackendRoutes
{
    /// <summary>The block that large bodies repeat.</summary>
    public static readonly byte[] Block = [.. Enumerable.Range(0, 256 * 1024).Select(index => (byte)(index * 31 >> 3))];

    public static void Map(WebApplication app, TestBackend backend)
    {
        app.UseRouting();
        app.MapGet("/health", context => HealthAsync(context, backend));
        app.Map("/status/{code:int}", context => StatusAsync(context, backend));
        app.Map("/hold", context => HoldAsync(context, backend));
        app.MapGet("/close", CloseAsync);
        app.Map("/socket", SocketAsync);
        app.MapGet("/trailers", TrailersAsync);
        app.MapGet("/events", EventsAsync);
        app.MapGet("/bytes/{count:long}", BytesAsync);
        app.Map("/count", CountAsync);
        app.MapFallback("/{**path}", context => EchoAsync(context, backend));
        app.UseEndpoints(_ => { });
    }

    /// <summary>What <c>/count</c> responds to an upload of this many bytes of repeated <see cref="Block"/>.</summary>
    public static string Count(long bytes)
    {
        var hash = new XxHash3();
        for (var left = bytes; left > 0; left -= Block.Length)
        {
            hash.Append(Block.AsSpan(0, (int)Math.Min(left, Block.Length)));
        }

        return Count(bytes, hash);
    }

    public static string Count(long bytes, XxHash3 hash) =>
        string.Create(CultureInfo.InvariantCulture, $"{bytes} {hash.GetCurrentHashAsUInt64():x}");

    private static Task HealthAsync(HttpContext context, TestBackend backend)
    {
        context.Response.StatusCode = backend.IsDraining ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return context.Response.WriteAsJsonAsync(new { status = backend.IsDraining ? "draining" : "ok", node = backend.Node });
    }

    private static Task StatusAsync(HttpContext context, TestBackend backend)
    {
        var code = int.Parse((string)context.Request.RouteValues["code"]!, CultureInfo.InvariantCulture);
        context.Response.StatusCode = code;
        context.Response.Headers["X-Node"] = backend.Node;
        return code is 204 or 304 ? Task.CompletedTask : context.Response.WriteAsync($"status {code} of {backend.Node}");
    }

    private static async Task HoldAsync(HttpContext context, TestBackend backend)
    {
        await backend.Hold.WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync("held by " + backend.Node);
    }

    private static Task CloseAsync(HttpContext context)
    {
        context.Response.Headers.Connection = "close";
        return context.Response.WriteAsync("closing");
    }

    private static async Task SocketAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault());
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, context.RequestAborted);
                return;
            }

            if (received.MessageType == WebSocketMessageType.Text && buffer.AsSpan(0, received.Count).SequenceEqual("close me"u8))
            {
                await socket.CloseAsync((WebSocketCloseStatus)4321, "as you wish", context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }

    // Kestrel does not write trailers over HTTP/1.1, so the chunks are framed by hand.
    private static async Task TrailersAsync(HttpContext context)
    {
        context.Response.Headers.Trailer = "X-Sum";
        if (context.Response.SupportsTrailers())
        {
            await context.Response.WriteAsync("hello");
            context.Response.AppendTrailer("X-Sum", "42");
            return;
        }

        context.Response.Headers.TransferEncoding = "chunked";
        await context.Response.WriteAsync("5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
    }

    private static async Task EventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (var number = 1; number <= 3; number++)
        {
            await context.Response.WriteAsync($"data: {number}\n\n");
            await context.Response.Body.FlushAsync();
        }
    }

    private static async Task BytesAsync(HttpContext context)
    {
        var left = long.Parse((string)context.Request.RouteValues["count"]!, CultureInfo.InvariantCulture);
        context.Response.ContentLength = left;
        while (left > 0)
        {
            var length = (int)Math.Min(left, Block.Length);
            await context.Response.Body.WriteAsync(Block.AsMemory(0, length), context.RequestAborted);
            left -= length;
        }
    }

    private static async Task CountAsync(HttpContext context)
    {
        var (count, hash, buffer) = (0L, new XxHash3(), new byte[64 * 1024]);
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is var read && read > 0)
        {
            count += read;
            hash.Append(buffer.AsSpan(0, read));
        }

        await context.Response.WriteAsync(Count(count, hash));
    }

    private static async Task EchoAsync(HttpContext context, TestBackend backend)
    {
        using var reader = new StreamReader(context.Request.Body, System.Text.Encoding.Latin1);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        await context.Response.WriteAsJsonAsync(new ReceivedRequest(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body,
            backend.Node));
    }
}
