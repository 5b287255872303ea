using System.Globalization;
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

/// <summary>
/// Tells a node that is busy from one that is gone, when it lets a probe wait. A node that does one thing at a time and
/// works on a slow request looks like one that is frozen: it accepts, and responds to nobody. So silence alone takes a node
/// out only when being busy does not explain it:
/// <list type="bullet">
/// <item>it has nothing in hand;</item>
/// <item>it said of itself, in its health response, that it serves requests at the same time (<c>"concurrent": true</c>);</item>
/// <item>so many requests wait for it (<see cref="ManyWaiting"/>) that more is lost by waiting;</item>
/// <item>it does not even accept, although a listen queue cannot be full yet;</item>
/// <item>it has been silent for <c>HEALTH_BUSY_TIMEOUT</c>, or three times that when it has only one request in hand.</item>
/// </list>
/// Whoever responds to others while a probe waits is not gone, either. One for each node, for its probe loop alone.
/// </summary>
internal sealed class BusyCheck(BackendRuntime backend, Reloadable<HealthOptions> options, TimeProvider time)
{
    /// <summary>Requests that wait at once which are no queue behind a slow one any more.</summary>
    public const int ManyWaiting = 16;

    /// <summary>The shortest listen queue in use (Python's socketserver).</summary>
    public const int MinListenQueue = 5;

    private const int AloneFactor = 3;

    private long? _silentSince;

    /// <summary>The result, or <see cref="ProbeOutcome.Busy"/> in its place.</summary>
    /// <param name="probe">What the probe found.</param>
    /// <param name="began">When the probe began, as <see cref="TimeProvider.GetTimestamp"/>.</param>
    /// <param name="isConcurrent">Whether the node says that it serves requests at the same time.</param>
    public ProbeResult Judge(ProbeResult probe, long began, bool isConcurrent)
    {
        if (probe.Outcome is not (ProbeOutcome.Silent or ProbeOutcome.Unaccepted))
        {
            _silentSince = null;
            return probe;
        }

        var counters = backend.Counters;
        if (counters.HasSignSince(began))
        {
            _silentSince = null;
            return Busy(probe, "others got a response meanwhile");
        }

        _silentSince ??= began;
        var timeout = options.Value.BusyTimeout;
        var (inHand, waiting) = (counters.InFlight, counters.Awaiting);
        if (isConcurrent || inHand == 0 || waiting >= ManyWaiting
            || (probe.Outcome == ProbeOutcome.Unaccepted && waiting < MinListenQueue)
            || time.GetElapsedTime(_silentSince.Value) >= (inHand == 1 ? AloneFactor * timeout : timeout))
        {
            return probe;
        }

        return Busy(probe, string.Create(CultureInfo.InvariantCulture, $"it has {inHand} in hand"));
    }

    private static ProbeResult Busy(ProbeResult probe, string why) => probe with { Outcome = ProbeOutcome.Busy, Error = $"{probe.Error}, but {why}" };
}
