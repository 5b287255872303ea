using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.Balancer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.Tests.Support;

/// <summary>A whole balancer in the test process, with only the given settings. <see cref="TestBalancer"/> follows the tested path instead.</summary>
internal sealed class BalancerInProcess : IAsyncDisposable
{
    private BalancerInProcess(WebApplication app, int port)
    {
        App = app;
        Port = port;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    public WebApplication App { get; }

    public int Port { get; }

    public HttpClient Http { get; }

    public BackendRegistry Registry => App.Services.GetRequiredService<BackendRegistry>();

    /// <param name="pairs"><c>NAME=value</c>.</param>
    public static async Task<BalancerInProcess> Start(params string[] pairs)
    {
        var port = FreePort.Next();
        var app = Build([$"BALANCER_PORT={port}", .. pairs]);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new BalancerInProcess(app, port);
    }

    public static WebApplication Build(params string[] pairs)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(
            pairs.Prepend("DRAIN_DELAY=0").Prepend("Logging:LogLevel:Default=None").Select(pair => pair.Split('=', 2))
                .GroupBy(pair => pair[0], pair => pair[1]).Select(values => KeyValuePair.Create<string, string?>(values.Key, values.Last())));
        return BalancerApplication.Build(builder);
    }

    /// <summary><c>GET /lb/status</c>.</summary>
    public async Task<JsonElement> Status(string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/status");
        if (forwardedFor is not null)
        {
            request.Headers.Add("X-Forwarded-For", forwardedFor);
        }

        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
    }
}
