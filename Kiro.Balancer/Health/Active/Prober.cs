using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Printing;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Asks a node how it is, over a connection of its own: a kept one would not notice a listener that is gone. It is asked
/// with the protocol that requests come with.</summary>
/// <param name="settings">What is asked.</param>
/// <param name="tls">How nodes are spoken to.</param>
/// <param name="time">For the time that a response may take.</param>
internal sealed class Prober(Reloadable<HealthOptions> settings, BackendTls tls, TimeProvider time)
{
    private const string Lost = "connection lost before the response was complete";

    private HealthOptions Options => settings.Value;

    public async Task<ProbeResult> ProbeAsync(Backend backend, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var start = time.GetTimestamp();
        var isConnected = false;
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(backend.Host, backend.Port), either.Token);
            isConnected = true;
            await using var connection = await SecureAsync(new NetworkStream(socket), backend, either.Token);
            var response = tls.Options.IsHttp2
                ? await Http2Probe.AskAsync(connection, backend, Options, either.Token)
                : await AskAsync(connection, backend, either.Token);
            return Judge(response, HealthResponse.Parse(response.Body), time.GetElapsedTime(start));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return isConnected
                ? new ProbeResult(ProbeOutcome.Silent, null, $"no response within {Options.Timeout.TotalSeconds:0.#} s", null)
                : new ProbeResult(ProbeOutcome.Unaccepted, null, $"no connection within {Options.Timeout.TotalSeconds:0.#} s", null);
        }
        catch (SocketException failure) when (!isConnected)
        {
            var error = ConnectError.From(failure);
            var outcome = error.Fault switch
            {
                ConnectFault.Balancer => ProbeOutcome.Unknown,
                ConnectFault.NameServer => ProbeOutcome.Lost,
                ConnectFault.Unaccepted => ProbeOutcome.Unaccepted,
                _ => ProbeOutcome.Refused,
            };
            return new ProbeResult(outcome, null, error.Problem, null);
        }
        catch (BackendTlsException failure)
        {
            return new ProbeResult(failure.IsSlow ? ProbeOutcome.Silent : ProbeOutcome.Refused, null, failure.Message, null);
        }
        catch (InvalidDataException)
        {
            return new ProbeResult(ProbeOutcome.Failed, null, tls.Options.IsHttp2 ? "the response is not valid HTTP/2" : "the response is not valid HTTP", null);
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            return backend.IsTls && TlsProblem.Known(failure) is { } refusal
                ? new ProbeResult(ProbeOutcome.Refused, null, new BackendTlsException(refusal).Message, null)
                : new ProbeResult(ProbeOutcome.Lost, null, Lost, null);
        }
    }

    private async ValueTask<Stream> SecureAsync(NetworkStream connection, Backend backend, CancellationToken cancellationToken) =>
        backend.IsTls ? await tls.AuthenticateAsync(connection, backend, Options.Timeout, cancellationToken) : connection;

    private async Task<ProbeResponse> AskAsync(Stream connection, Backend backend, CancellationToken cancellationToken)
    {
        var exchange = new ProbeExchange(connection);
        await exchange.SendAsync(RequestTo(backend), cancellationToken);
        var body = await exchange.ReadAsync(cancellationToken);
        return new ProbeResponse(exchange.Status, body);
    }

    private byte[] RequestTo(Backend backend) => Encoding.ASCII.GetBytes(
        $"GET {Options.Path} HTTP/1.1\r\nHost: {Options.Host ?? backend.Authority}\r\nUser-Agent: {ProbeResponse.UserAgent}\r\nConnection: close\r\n\r\n");

    private ProbeResult Judge(ProbeResponse response, HealthResponse said, TimeSpan latency)
    {
        var (outcome, error) = response.Problem is { } problem ? (ProbeOutcome.Failed, problem)
            : response.Status == StatusCodes.Status503ServiceUnavailable && said.Status == "draining" ? (ProbeOutcome.Draining, null)
            : Options.Status.Contains(response.Status) ? (ProbeOutcome.Passed, null)
            : (ProbeOutcome.Failed, $"health response {response.Status}");
        return new ProbeResult(outcome, latency, error, said.Node, said.IsConcurrent)
        {
            Degradation = outcome == ProbeOutcome.Passed ? said.Degradation : null,
        };
    }
}

/// <summary>What a node said to a probe.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body, or its beginning when it is long.</param>
/// <param name="Problem">Why it does not pass, whatever its status; null when that decides.</param>
internal readonly record struct ProbeResponse(int Status, ReadOnlyMemory<byte> Body, string? Problem = null)
{
    /// <summary>How a probe calls itself.</summary>
    public const string UserAgent = "Kiro-Probe/1.0";
}

/// <summary>What Kiro reads in a node's health response:
/// <c>{"status":"…","node":"…","reason":"…","database":"…","concurrent":true}</c>. Any other body is fine, too.</summary>
internal readonly record struct HealthResponse(
    string? Status, string? Node, string? Reason = null, string? Database = null, bool IsConcurrent = false)
{
    private const int MaxWord = 100;
    private const int MaxReason = 500;

    /// <summary>What is wrong with a node that serves all the same; null when it says that nothing is.</summary>
    public string? Degradation => Status != "degraded" ? null : Reason ?? (Database is "down" ? "its database is unavailable" : "it gives no reason");

    public static HealthResponse Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new HealthResponse(
                    Text(document.RootElement, "status"), Text(document.RootElement, "node"),
                    Text(document.RootElement, "reason", MaxReason), Text(document.RootElement, "database"),
                    document.RootElement.TryGetProperty("concurrent", out var concurrent) && concurrent.ValueKind == JsonValueKind.True)
                : default;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // The latter: a string that is no valid Unicode, which only shows when it is read.
            return default;
        }
    }

    // All are shown in terminals, logs and pages.
    private static string? Text(JsonElement json, string name, int maxLength = MaxWord) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { } text && text.Length <= maxLength && PrintableText.Of(text).Trim() is { Length: > 0 } word ? word : null;
}
