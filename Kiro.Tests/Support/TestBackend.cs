using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Support;

/// <summary>A real node: Kestrel on a port of its own. <see cref="TestBackendRoutes"/> says what it answers.</summary>
internal sealed class TestBackend : IAsyncDisposable
{
    private WebApplication? _app;

    private readonly Action<ListenOptions> _listen;

    private TestBackend(string node, int port, Action<ListenOptions> listen) => (Node, Port, _listen) = (node, port, listen);

    public string Node { get; }

    public int Port { get; }

    /// <summary>As it stands in BACKEND_HOSTS.</summary>
    public string Host => $"127.0.0.1:{Port}";

    /// <summary>Its next health answers are 503 "draining".</summary>
    public bool IsDraining { get; set; }

    /// <summary>Every request that is no probe, noted when it arrives.</summary>
    public ConcurrentQueue<string> Arrived { get; } = [];

    /// <summary>Requests that ended because the other end went away.</summary>
    public int Aborted => _aborted;

    /// <summary>Held requests (<c>/hold</c>) answer once this is released.</summary>
    public SemaphoreSlim Hold { get; } = new(0);

    private int _aborted;

    /// <param name="node">Its name.</param>
    /// <param name="listen">TLS, or another protocol.</param>
    public static async Task<TestBackend> StartAsync(string node = "node-1", Action<ListenOptions>? listen = null)
    {
        var backend = new TestBackend(node, FreePort.Next(), listen ?? (_ => { }));
        await backend.StartAsync();
        return backend;
    }

    /// <summary>Listens again, on the same port.</summary>
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
            kestrel.Listen(IPAddress.Loopback, Port, _listen);
        });
        builder.Logging.ClearProviders();
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.Use(async (context, next) =>
        {
            if (context.Request.Path != "/health")
            {
                Arrived.Enqueue($"{context.Request.Method} {context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
                context.RequestAborted.Register(() => Interlocked.Increment(ref _aborted));
            }

            await next();
        });
        _app.UseWebSockets();
        TestBackendRoutes.Map(_app, this);
        await _app.StartAsync();
    }

    /// <summary>Dies: the listener and all connections are closed at once.</summary>
    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Hold.Release(1000);
        await StopAsync();
        Hold.Dispose();
    }
}
