using System.Net;
using Grpc.Core;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Balancer.Forwarding.Grpc;

/// <summary>A gRPC server that also answers <c>GET /health</c>.</summary>
internal sealed class GrpcNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GrpcNode(WebApplication app, int port, Echo echo) => (_app, Port, Calls) = (app, port, echo);

    public int Port { get; }

    public Echo Calls { get; }

    /// <summary>Whether its next health responses are 503 "draining".</summary>
    public bool IsDraining { get; set; }

    /// <param name="listen">Configures TLS.</param>
    public static async Task<GrpcNode> StartAsync(Action<ListenOptions>? listen = null)
    {
        var (port, echo) = (FreePort.Next(), new Echo());
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, options =>
        {
            options.Protocols = HttpProtocols.Http2;
            listen?.Invoke(options);
        }));
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(echo);
        var app = builder.Build();
        var node = new GrpcNode(app, port, echo);
        app.MapGet("/health", context =>
        {
            context.Response.StatusCode = node.IsDraining ? 503 : 200;
            return context.Response.WriteAsync(node.IsDraining ? """{"status":"draining"}""" : """{"status":"ok"}""");
        });
        app.MapPost("/grpc.health.v1.Health/Check", async context =>
        {
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 0, 2, 0x08, 1 });
            context.Response.AppendTrailer("grpc-status", "0");
        });
        app.MapGrpcService<Echo>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    internal sealed class Echo : GrpcEcho.Service
    {
        private int _cancelled;

        /// <summary>Calls that were cancelled by the client or exceeded their deadline.</summary>
        public int Cancelled => Volatile.Read(ref _cancelled);

        public override async Task<string> Unary(string request, ServerCallContext context)
        {
            context.ResponseTrailers.Add("x-trailer", "unary");
            if (request == "fail")
            {
                throw new RpcException(new Status(StatusCode.FailedPrecondition, "as you wish, 100 %"));
            }

            if (request == "wait")
            {
                await WaitAsync(context);
            }

            return $"{request} for {context.RequestHeaders.GetValue("x-real-ip")} {context.Deadline != DateTime.MaxValue}";
        }

        public override async Task FromServer(string request, IServerStreamWriter<string> responses, ServerCallContext context)
        {
            for (var number = 1; number <= 5; number++)
            {
                await responses.WriteAsync($"{request} {number}", context.CancellationToken);
            }

            context.ResponseTrailers.Add("x-trailer", "from server");
            if (request == "wait")
            {
                await WaitAsync(context);
            }
        }

        public override async Task<string> FromClient(IAsyncStreamReader<string> requests, ServerCallContext context)
        {
            var all = new List<string>();
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                all.Add(request);
            }

            return string.Join(' ', all);
        }

        public override async Task BothWays(IAsyncStreamReader<string> requests, IServerStreamWriter<string> responses, ServerCallContext context)
        {
            await foreach (var request in requests.ReadAllAsync(context.CancellationToken))
            {
                await responses.WriteAsync(request, context.CancellationToken);
            }

            context.ResponseTrailers.Add("x-trailer", "both ways");
        }

        private async Task WaitAsync(ServerCallContext context)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref _cancelled);
                throw;
            }
        }
    }
}
