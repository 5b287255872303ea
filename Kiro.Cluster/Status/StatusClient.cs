using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.ServiceDefaults.Health;

namespace Kiro.Cluster.Status;

/// <summary>Queries the status of a balancer.</summary>
/// <param name="balancer">Its address, such as <c>http://127.0.0.1:13003</c>.</param>
/// <param name="withProxyHeader">Whether it expects a PROXY protocol header.</param>
internal sealed class StatusClient(Uri balancer, bool withProxyHeader = false) : IDisposable
{
    private const long MaxResponse = 16 * 1024 * 1024;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Uri _status = new($"{balancer.AbsoluteUri.TrimEnd('/')}/lb/status");
    private readonly HttpClient _http = new(balancer.IsLoopback ? LocalConnections.Handler(withProxyHeader) : new SocketsHttpHandler()) { Timeout = Timeout, MaxResponseContentBufferSize = MaxResponse };

    /// <summary>The address for display.</summary>
    public string Address { get; } = balancer.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    public async Task<StatusResponse> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync(_status, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return StatusResponse.Failed($"responded with {(int)response.StatusCode}: not a Kiro balancer, or its pages are elsewhere");
            }

            return Read(await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (HttpRequestException problem)
        {
            return StatusResponse.Failed($"cannot be reached: {Reason(problem)}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return StatusResponse.Failed($"did not respond within {Timeout.TotalSeconds} s");
        }
    }

    /// <summary>Queries which node serves a client.</summary>
    /// <param name="client">Its address, or null.</param>
    /// <param name="key">Its cookie or header value, or null.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    /// <returns>The route and its JSON; or null and a problem, to follow the address.</returns>
    public async Task<(ClientPart? Route, string Json, string? Problem)> RouteAsync(string? client, string? key, CancellationToken cancellationToken)
    {
        try
        {
            var query = string.Join('&', Parameters(("client", client), ("key", key)));
            using var response = await _http.GetAsync(new Uri(_status, "route?" + query), cancellationToken);
            var json = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.StatusCode == System.Net.HttpStatusCode.BadRequest ? (null, json, $"rejected {client ?? key}: {Detail(json) ?? "no reason given"}")
                : !response.IsSuccessStatusCode ? (null, json, $"responded with {(int)response.StatusCode}: not a Kiro balancer, or an older one")
                : JsonSerializer.Deserialize(json, StatusJson.Default.ClientPart) is { Name: not null } route ? (route, json, null)
                : (null, json, "did not respond like a Kiro balancer");
        }
        catch (HttpRequestException problem)
        {
            return (null, "", $"cannot be reached: {Reason(problem)}");
        }
        catch (JsonException)
        {
            return (null, "", "did not respond like a Kiro balancer");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, "", $"did not respond within {Timeout.TotalSeconds} s");
        }
    }

    public void Dispose() => _http.Dispose();

    internal static StatusResponse Read(string json)
    {
        try
        {
            // Any JSON object can be deserialized; a Kiro balancer sends these three.
            return JsonSerializer.Deserialize(json, StatusJson.Default.StatusDocument) is { Balancer: not null, Summary: not null, Backends: not null } document
                ? new StatusResponse(document, json, null)
                : StatusResponse.Failed("did not respond like a Kiro balancer");
        }
        catch (JsonException)
        {
            return StatusResponse.Failed("did not respond like a Kiro balancer");
        }
    }

    private static IEnumerable<string> Parameters(params IEnumerable<(string Name, string? Value)> parameters) =>
        from parameter in parameters
        where parameter.Value is not null
        select $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}";

    // Problem details (RFC 9457).
    private static string? Detail(string json)
    {
        try
        {
            using var problem = JsonDocument.Parse(json);
            return problem.RootElement.TryGetProperty("detail", out var detail) ? detail.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Reason(HttpRequestException problem) => problem.InnerException switch
    {
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "connection refused",
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } => "name not found",
        { } inner => inner.Message.TrimEnd('.'),
        null => problem.Message.TrimEnd('.'),
    };
}

/// <summary>The result of a status query: a document, or a problem.</summary>
/// <param name="Document">Null if there was a problem.</param>
/// <param name="Json">The raw document.</param>
/// <param name="Problem">To follow the address; null if there was none.</param>
internal sealed record StatusResponse(StatusDocument? Document, string Json, string? Problem)
{
    public static StatusResponse Failed(string problem) => new(null, "", problem);
}

/// <summary>Source-generated, because the tool is compatible with Native AOT.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(ClientPart))]
internal sealed partial class StatusJson : JsonSerializerContext;
