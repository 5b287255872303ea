using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Printing;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Sends a probe, with the protocol of forwarded requests, over a new connection: an idle one would not notice that the
/// listener is gone.</summary>
/// <param name="settings">The probe settings.</param>
/// <param name="tls">The handshake, and the protocol to backends.</param>
/// <param name="time">For the timeout.</param>
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
                ? new ProbeResult(ProbeOutcome.TimedOut, null, $"no response within {Options.Timeout.TotalSeconds:0.#} s", null)
                : new ProbeResult(ProbeOutcome.ConnectTimedOut, null, $"no connection within {Options.Timeout.TotalSeconds:0.#} s", null);
        }
        catch (SocketException failure) when (!isConnected)
        {
            var error = ConnectError.From(failure);
            var outcome = error.Fault switch
            {
                ConnectFault.Balancer => ProbeOutcome.Unknown,
                ConnectFault.NameServer => ProbeOutcome.Lost,
                ConnectFault.Timeout => ProbeOutcome.ConnectTimedOut,
                _ => ProbeOutcome.Refused,
            };
            return new ProbeResult(outcome, null, error.Problem, null);
        }
        catch (BackendTlsException failure)
        {
            return new ProbeResult(failure.IsSlow ? ProbeOutcome.TimedOut : ProbeOutcome.Refused, null, failure.Message, null);
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

    private ProbeResult Judge(ProbeResponse response, HealthResponse health, TimeSpan latency)
    {
        var (outcome, error) = response.Problem is { } problem ? (ProbeOutcome.Failed, problem)
            : response.Status == StatusCodes.Status503ServiceUnavailable && health.Status == "draining" ? (ProbeOutcome.Draining, null)
            : Options.Status.Contains(response.Status) ? (ProbeOutcome.Passed, null)
            : (ProbeOutcome.Failed, $"health response {response.Status}");
        return new ProbeResult(outcome, latency, error, health.Node, health.IsConcurrent)
        {
            Degradation = outcome == ProbeOutcome.Passed ? health.Degradation : null,
        };
    }
}

/// <summary>The response to a probe.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Body">The body, truncated if it is long.</param>
/// <param name="Problem">Why it does not pass regardless of the status; null if the status decides.</param>
internal readonly record struct ProbeResponse(int Status, ReadOnlyMemory<byte> Body, string? Problem = null)
{
    public const string UserAgent = "Kiro-Probe/1.0";
}

/// <summary>The optional JSON of a health response:
/// <c>{"status":"…","node":"…","reason":"…","database":"…","concurrent":true}</c>. Any other body is accepted, too.</summary>
internal readonly record struct HealthResponse(
    string? Status, string? Node, string? Reason = null, string? Database = null, bool IsConcurrent = false)
{
    private const int MaxWord = 100;
    private const int MaxReason = 500;

    /// <summary>What is wrong with a degraded backend; null if it is not degraded.</summary>
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
            // InvalidOperationException: a string that is not valid Unicode.
            return default;
        }
    }

    // These end up in terminals, logs and pages.
    private static string? Text(JsonElement json, string name, int maxLength = MaxWord) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && value.GetString() is { } text && text.Length <= maxLength && PrintableText.Of(text).Trim() is { Length: > 0 } word ? word : null;
}

/// <summary>
/// Tells a busy backend from a dead one when a probe times out. A single-threaded backend with a slow request looks like a frozen
/// one: it accepts connections, but does not respond. So a timeout counts as a failure only if load does not explain it:
/// <list type="bullet">
/// <item>it has no requests in flight;</item>
/// <item>its health response said that it serves requests concurrently (<c>"concurrent": true</c>);</item>
/// <item>so many requests are waiting (<see cref="ManyWaiting"/>) that waiting longer would do more harm;</item>
/// <item>it does not accept connections although its listen queue cannot be full yet;</item>
/// <item>it has not responded for <c>HEALTH_BUSY_TIMEOUT</c>, or three times that with a single request in flight.</item>
/// </list>
/// A response to any request during the probe also shows that it is alive. One per backend, used only by its probe loop.
/// </summary>
internal sealed class BusyCheck(BackendRuntime backend, Reloadable<HealthOptions> options, TimeProvider time)
{
    /// <summary>More waiting requests than a queue behind a single slow one explains.</summary>
    public const int ManyWaiting = 16;

    /// <summary>The shortest listen queue in use (Python's socketserver).</summary>
    public const int MinListenQueue = 5;

    private const int SingleRequestFactor = 3;

    private long? _unresponsiveSince;

    /// <summary>Turns a timeout into <see cref="ProbeOutcome.Busy"/> where load explains it.</summary>
    /// <param name="probe">The result of the probe.</param>
    /// <param name="began">When the probe started, as <see cref="TimeProvider.GetTimestamp"/>.</param>
    /// <param name="isConcurrent">Whether the backend reports that it serves requests concurrently.</param>
    public ProbeResult Judge(ProbeResult probe, long began, bool isConcurrent)
    {
        if (probe.Outcome is not (ProbeOutcome.TimedOut or ProbeOutcome.ConnectTimedOut))
        {
            _unresponsiveSince = null;
            return probe;
        }

        var counters = backend.Counters;
        if (counters.HasRespondedSince(began))
        {
            _unresponsiveSince = null;
            return Busy(probe, "other requests got a response meanwhile");
        }

        _unresponsiveSince ??= began;
        var timeout = options.Value.BusyTimeout;
        var (inFlight, waiting) = (counters.InFlight, counters.Awaiting);
        if (isConcurrent || inFlight == 0 || waiting >= ManyWaiting
            || (probe.Outcome == ProbeOutcome.ConnectTimedOut && waiting < MinListenQueue)
            || time.GetElapsedTime(_unresponsiveSince.Value) >= (inFlight == 1 ? SingleRequestFactor * timeout : timeout))
        {
            return probe;
        }

        return Busy(probe, string.Create(CultureInfo.InvariantCulture, $"it has {inFlight} requests in flight"));
    }

    private static ProbeResult Busy(ProbeResult probe, string why) => probe with { Outcome = ProbeOutcome.Busy, Error = $"{probe.Error}, but {why}" };
}
