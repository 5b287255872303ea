using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Kiro.Tests.Support;
using Kiro.Yarp;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Yarp;

/// <summary>A real YARP proxy as users write one: all in configuration, with Kestrel on its own port.</summary>
internal sealed class TestProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http;

    private TestProxy(WebApplication app, int port) => (_app, _http) = (app, new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });

    /// <param name="nodes">The destinations d0, d1 and so on, in configuration order.</param>
    /// <param name="more">Other configuration values; <c>~</c> stands for the section of the cluster.</param>
    public static async Task<TestProxy> StartAsync(IEnumerable<(string Authority, double Weight)> nodes, params (string Name, string Value)[] more)
    {
        var port = FreePort.Next();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(Values(nodes, more));
        builder.Services.AddReverseProxy().LoadFromConfig(builder.Configuration.GetSection("ReverseProxy")).AddClientHash(builder.Configuration.GetSection("ClientHash"));
        var app = builder.Build();
        app.MapReverseProxy();
        await app.StartAsync();
        return new TestProxy(app, port);
    }

    /// <summary>The names of the nodes that serve the clients 203.0.113.0 onwards; null for an unsuccessful response.</summary>
    public async Task<IReadOnlyList<string?>> NodesAsync(int clients = 100)
    {
        var nodes = new List<string?>();
        for (var client = 0; client < clients; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/name") { Headers = { { "X-Forwarded-For", $"203.0.113.{client}" } } };
            using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
            nodes.Add(response.IsSuccessStatusCode ? (await response.Content.ReadFromJsonAsync<ReceivedRequest>(TestContext.Current.CancellationToken))!.Node : null);
        }

        return nodes;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
    }

    private static Dictionary<string, string?> Values(IEnumerable<(string Authority, double Weight)> nodes, (string Name, string Value)[] more)
    {
        const string Cluster = "ReverseProxy:Clusters:api";
        var values = new Dictionary<string, string?>
        {
            ["ReverseProxy:Routes:all:ClusterId"] = "api",
            ["ReverseProxy:Routes:all:Match:Path"] = "{**all}",
            [$"{Cluster}:LoadBalancingPolicy"] = ClientHashConstants.PolicyName,
        };
        foreach (var (index, node) in nodes.Index())
        {
            values[$"{Cluster}:Destinations:d{index}:Address"] = $"http://{node.Authority}/";
            values[$"{Cluster}:Destinations:d{index}:Metadata:{ClientHashConstants.WeightMetadata}"] = node.Weight.ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (name, value) in more)
        {
            values[name.Replace("~", Cluster, StringComparison.Ordinal)] = value;
        }

        return values;
    }
}
