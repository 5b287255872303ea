using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Support;

/// <summary>An OTLP/HTTP collector that keeps the raw messages.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = new();

    private OtlpReceiver(WebApplication app) => _app = app;

    public int Port { get; } = FreePort.Next();

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var receiver = new OtlpReceiver(builder.Build());
        receiver._app.Urls.Add($"http://127.0.0.1:{receiver.Port}");
        receiver._app.Run(receiver.ReceiveAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Whether a single message to this path contains all of these byte sequences.</summary>
    public bool Has(string path, params byte[][] parts) => Bodies(path).Any(body => parts.All(part => body.AsSpan().IndexOf(part) >= 0));

    /// <summary>All messages to this path.</summary>
    public IEnumerable<byte[]> Bodies(string path) => _received.Where(message => message.Path == path).Select(message => message.Body);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _received.Enqueue((context.Request.Path, body.ToArray()));
    }
}
