using System.Globalization;
using System.Net;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>A node in a process of its own.</summary>
internal sealed class ApiNode : IAsyncDisposable
{
    private readonly HttpClient _client;

    /// <param name="environment">Overrides the defaults: a free port, short intervals and no drain delay.</param>
    public ApiNode(params IEnumerable<(string Name, string Value)> environment)
    {
        var variables = new Dictionary<string, string>
        {
            ["PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
            ["LEDGER_INTERVAL"] = "0.2",
            ["HEARTBEAT_INTERVAL"] = "0.5",
            ["DRAIN_DELAY"] = "0",
        };
        foreach (var (name, value) in environment)
        {
            variables[name] = value;
        }

        Process = new ServiceProcess("Kiro.Api", variables);
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{variables["PORT"]}"), Timeout = TimeSpan.FromSeconds(Eventually.Patience) };
    }

    public ServiceProcess Process { get; }

    public HttpClient Client => _client;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Waits until /health reports this status and returns its body.</summary>
    public async Task<JsonElement> HealthAsync(string status, double seconds = Eventually.Patience)
    {
        var last = default(JsonElement);
        await Eventually.BeTrue(
            async () => (last = await JsonAsync("/health")).GetProperty("status").GetString() == status,
            $"{status}; the node's output: {Process.Output}", seconds);
        return last;
    }

    /// <summary>The body of a response, whatever its status code.</summary>
    public async Task<JsonElement> JsonAsync(string path, params (string Name, string Value)[] headers)
    {
        using var response = await GetAsync(path, headers);
        return JsonElement.Parse(await response.Content.ReadAsStringAsync(Cancellation));
    }

    public async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return await _client.SendAsync(request, Cancellation);
    }

    /// <summary>Sends a request for a client with this address, as a trusted proxy does.</summary>
    public async Task<bool> RequestAsAsync(string address)
    {
        using var response = await GetAsync("/api/client-ip", ("X-Forwarded-For", address));
        return response.StatusCode == HttpStatusCode.OK;
    }

    public async Task StopAsync()
    {
        Process.Signal("TERM");
        Assert.Equal(0, await Process.ExitCode());
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return Process.DisposeAsync();
    }
}
