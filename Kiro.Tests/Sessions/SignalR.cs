using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Sessions;

/// <summary>SignalR: a counter per connection, and clients with distinct addresses.</summary>
internal sealed class SignalR(HttpTransportType transport) : ISessionProgram
{
    private readonly Dictionary<int, WebApplication> _nodes = [];
    private HubConnection[] _clients = [];

    public async Task StartNodeAsync(int number, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Logging.ClearProviders();
        builder.Services.AddRouting();
        builder.Services.AddSingleton(new NodeName($"node-{number}"));
        builder.Services.AddSignalR();
        var app = _nodes[number] = builder.Build();
        app.UseRouting();
        app.MapGet("/health", () => Results.Text($$"""{"status":"ok","node":"node-{{number}}"}"""));
        app.MapHub<CountingHub>("/hub");
        await app.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task StopNodeAsync(int number)
    {
        _nodes.Remove(number, out var node);
        await node!.DisposeAsync();
    }

    public async Task ConnectAsync(int count, int balancer)
    {
        _clients = [.. Enumerable.Range(1, count).Select(client => new HubConnectionBuilder()
            .WithUrl($"http://127.0.0.1:{balancer}/hub", transport, options => options.Headers["X-Forwarded-For"] = string.Create(CultureInfo.InvariantCulture, $"203.0.113.{client}"))
            .Build())];
        await Task.WhenAll(_clients.Select(client => client.StartAsync(TestContext.Current.CancellationToken)));
    }

    public async Task<IReadOnlyList<SessionUse>> UseAsync() => await Task.WhenAll(_clients.Select(UseAsync));

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }
    }

    // A client that lost its session reconnects, as withAutomaticReconnect does.
    private static async Task<SessionUse> UseAsync(HubConnection client)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(Support.Eventually.Patience));
        while (true)
        {
            try
            {
                if (client.State == HubConnectionState.Disconnected)
                {
                    await client.StartAsync(limit.Token);
                }

                return await client.InvokeAsync<SessionUse>(nameof(CountingHub.Use), limit.Token);
            }
            catch (Exception) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(50, limit.Token);
            }
        }
    }

    private sealed record NodeName(string Name);

    private sealed class CountingHub(NodeName node) : Hub
    {
        public SessionUse Use()
        {
            var count = (int)(Context.Items["count"] ?? 0) + 1;
            Context.Items["count"] = count;
            return new SessionUse(node.Name, count);
        }
    }
}
