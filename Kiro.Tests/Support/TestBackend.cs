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

/// <summary>A real node: Kestrel on its own port, with the routes of <see cref="TestBackendRoutes"/>.</summary>
internal sealed class TestBackend : IAsyncDisposable
{
    private WebApplication? _app;

    private readonly Action<ListenOptions> _listen;

    private TestBackend(string node, int port, Action<ListenOptions> listen) => (Node, Port, _listen) = (node, port, listen);

    public string Node { get; }

    public int Port { get; }

    /// <summary>As it stands in BACKEND_HOSTS.</summary>
    public string Host => $"127.0.0.1:{Port}";

    /// <summary>Makes <c>/health</c> respond with 503 and "draining".</summary>
    public bool IsDraining { get; set; }

    /// <summary>Every request except probes, recorded on arrival.</summary>
    public ConcurrentQueue<string> Arrived { get; } = [];

    /// <summary>The number of requests that the balancer aborted.</summary>
    public int Aborted => _aborted;

    /// <summary>The number of requests, except probes, that it no longer works on, aborted or not.</summary>
    public int Ended => _ended;

    /// <summary>Each release lets one held request (<c>/hold</c>) complete.</summary>
    public SemaphoreSlim Hold { get; } = new(0);

    private int _aborted;
    private int _ended;

    /// <param name="node">Its name.</param>
    /// <param name="listen">Enables TLS or another protocol.</param>
    public static async Task<TestBackend> StartAsync(string node = "node-1", Action<ListenOptions>? listen = null)
    {
        var port = FreePort.Next();
        var certificate = listen is null ? TestedPath.CertificateOfNode(port) : null;
        var backend = new TestBackend(node, port, listen ?? (options => _ = certificate is null ? options : options.UseHttps(certificate)));
        await backend.StartAsync();
        return backend;
    }

    /// <summary>Listens again on the same port.</summary>
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
            if (context.Request.Path == "/health")
            {
                await next();
                return;
            }

            Arrived.Enqueue($"{context.Request.Method} {context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
            context.RequestAborted.Register(() => Interlocked.Increment(ref _aborted));
            try
            {
                await next();
            }
            finally
            {
                Interlocked.Increment(ref _ended);
            }
        });
        _app.UseWebSockets();
        TestBackendRoutes.Map(_app, this);
        await _app.StartAsync();
    }

    /// <summary>Closes the listener and all connections at once.</summary>
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

/// <summary>A request as a <see cref="TestBackend"/> received it.</summary>
/// <param name="Method">From the request line.</param>
/// <param name="Target">From the request line, as sent.</param>
/// <param name="Headers">By name, repeated fields joined.</param>
/// <param name="Body">As Latin-1 text.</param>
/// <param name="Node">The name of the node that received it.</param>
internal sealed record ReceivedRequest(string Method, string Target, Dictionary<string, string> Headers, string Body, string Node);
