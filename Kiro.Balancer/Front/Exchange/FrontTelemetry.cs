using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Authentication;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Logging;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// Reports requests and connections of the loops through the instruments of ASP.NET Core and Kestrel, so that their metrics
/// cover all traffic.
/// </summary>
internal sealed class FrontMetrics
{
    private readonly Histogram<double> _duration;
    private readonly UpDownCounter<long> _connections;
    private readonly UpDownCounter<long> _handshakes;
    private readonly Histogram<double> _handshakeDuration;
    private readonly object[] _statuses = [.. Enumerable.Range(0, 1000).Select(status => (object)status)];
    private readonly KeyValuePair<string, object?>[] _methods =
    [
        .. ((string[])["_OTHER", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
            .Select(method => KeyValuePair.Create("http.request.method", (object?)method)),
    ];

    public FrontMetrics(IMeterFactory meters)
    {
        // The factory returns the same meter, and the meter the same instrument, for the same name.
        var duration = new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
        };
        _duration = meters.Create("Microsoft.AspNetCore.Hosting").CreateHistogram(
            "http.server.request.duration", "s", "Duration of HTTP server requests.",
            advice: duration);
        var kestrel = meters.Create("Microsoft.AspNetCore.Server.Kestrel");
        _connections = kestrel.CreateUpDownCounter<long>(
            "kestrel.active_connections", "{connection}", "Number of connections that are currently active on the server.");
        _handshakes = kestrel.CreateUpDownCounter<long>(
            "kestrel.active_tls_handshakes", "{handshake}", "Number of TLS handshakes that are currently in progress on the server.");
        _handshakeDuration = kestrel.CreateHistogram(
            "kestrel.tls_handshake.duration", "s", "The duration of TLS handshakes on the server.",
            advice: duration);
    }

    public void Record(TimeSpan duration, RequestMethod method, int status, bool isHttp10, bool isSecure)
    {
        if (_duration.Enabled)
        {
            _duration.Record(duration.TotalSeconds, new TagList
            {
                _methods[(int)method],
                { "url.scheme", isSecure ? "https" : "http" },
                { "http.response.status_code", _statuses[status] },
                { "network.protocol.version", isHttp10 ? "1.0" : "1.1" },
            });
        }
    }

    public void CountConnection(int change)
    {
        if (_connections.Enabled)
        {
            _connections.Add(change, new TagList { { "network.transport", "tcp" }, { "network.type", "ipv6" } });
        }
    }

    public void CountHandshake(int change)
    {
        if (_handshakes.Enabled)
        {
            _handshakes.Add(change, new TagList { { "network.transport", "tcp" }, { "network.type", "ipv6" } });
        }
    }

    /// <summary>Records a completed handshake.</summary>
    public void RecordHandshake(TimeSpan duration, SslProtocols version)
    {
        if (_handshakeDuration.Enabled)
        {
            var tags = new TagList { { "network.transport", "tcp" }, { "network.type", "ipv6" } };
            if (version == SslProtocols.None)
            {
                tags.Add("error.type", "tls_handshake_failed");
            }
            else
            {
                tags.Add("tls.protocol.version", version == SslProtocols.Tls13 ? "1.3" : "1.2");
            }

            _handshakeDuration.Record(duration.TotalSeconds, tags);
        }
    }
}

/// <summary>Writes the same lines as <see cref="AccessLogWriter"/>.</summary>
internal sealed class FrontAccessLog(Reloadable<AccessLogOptions> options, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger(AccessLogWriter.Category);

    /// <summary>Whether any request is logged.</summary>
    public bool IsOn => options.Value.Fraction > 0;

    public void Write(
        ClientAddress client, string method, string path, int status, long? bytes, TimeSpan duration, KnownBackend? backend, int tries)
    {
        if (_logger.IsEnabled(LogLevel.Information) && options.Value.ShouldLog())
        {
            _logger.Served(
                client.ToString(), AccessLogToken.Of(method), AccessLogToken.Of(path), status,
                bytes?.ToString(CultureInfo.InvariantCulture) ?? AccessLogToken.None, Math.Round(duration.TotalMilliseconds, 1),
                AccessLogToken.Of(backend?.Name), tries);
        }
    }
}

/// <summary>
/// Trace spans of an exchange: a server span for the request and a client span for each attempt. Without a listener there
/// are none, and the client's trace context is forwarded unchanged.
/// </summary>
internal sealed class ExchangeSpans
{
    /// <summary>A traceparent line: name, version, trace id, span id, flags (W3C Trace Context, section 3.2.2).</summary>
    private const int LineLength = 13 + 55 + 2;

    private static readonly ActivitySource Source = new("Kiro.Front");

    private readonly byte[] _line = new byte[LineLength];
    private Activity? _request;
    private Activity? _attempt;

    /// <summary>Whether the request is traced, so that the backend gets our traceparent.</summary>
    public bool IsOn => _request is not null;

    /// <summary>The traceparent line for the backend; filled in by <see cref="BeginAttempt"/>.</summary>
    public ReadOnlySpan<byte> Line => _request is null ? [] : _line;

    /// <summary>Starts the server span.</summary>
    public void Begin(ReadOnlySpan<byte> bytes, RequestHead head, bool isSecure)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        var method = Encoding.ASCII.GetString(bytes.Slice(head.MethodName.Start, head.MethodName.Length));
        ActivityContext.TryParse(
            Text(head.FirstValue(bytes, RequestFieldKind.TraceParent)), TraceState(bytes, head), isRemote: true, out var parent);
        _request = Start(method, ActivityKind.Server, parent);
        if (_request is null)
        {
            return;
        }

        var path = bytes.Slice(head.Path.Start, head.Path.Length);
        path = path.IndexOf((byte)'?') is >= 0 and var query ? path[..query] : path;
        _request.SetTag("http.request.method", method);
        _request.SetTag("url.scheme", isSecure ? "https" : "http");
        _request.SetTag("url.path", Encoding.ASCII.GetString(path));
        _request.SetTag("server.address", Encoding.ASCII.GetString(bytes.Slice(head.Host.Start, head.Host.Length)));
        _request.SetTag("network.protocol.version", head.IsHttp10 ? "1.0" : "1.1");
        "traceparent: 00-"u8.CopyTo(_line);
        "\r\n"u8.CopyTo(_line.AsSpan(LineLength - 2));
        Write(_request);
    }

    /// <summary>Starts the client span of an attempt, and writes its id into the request.</summary>
    public void BeginAttempt(Backend backend, OutgoingRequest outgoing)
    {
        if (_request is null)
        {
            return;
        }

        EndAttempt(status: null, failed: true);
        _attempt = Start(outgoing.Method, ActivityKind.Client, _request.Context);
        _attempt?.SetTag("http.request.method", outgoing.Method);
        _attempt?.SetTag("server.address", backend.Host);
        _attempt?.SetTag("server.port", backend.Port);
        Write(_attempt ?? _request);
        outgoing.Overwrite("\r\ntraceparent: "u8, _line.AsSpan(13, 55));
    }

    public void End(int status)
    {
        if (_request is null)
        {
            return;
        }

        EndAttempt(status, status >= StatusCodes.Status500InternalServerError);
        _request.SetTag("http.response.status_code", status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            _request.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_request);
        _request = null;
    }

    private void EndAttempt(int? status, bool failed)
    {
        if (_attempt is null)
        {
            return;
        }

        _attempt.SetTag("http.response.status_code", status);
        if (failed)
        {
            _attempt.SetStatus(ActivityStatusCode.Error);
        }

        Stop(_attempt);
        _attempt = null;
    }

    // A loop interleaves many requests, so none of them is the current activity.
    private static Activity? Start(string name, ActivityKind kind, ActivityContext parent)
    {
        var activity = Source.StartActivity(name, kind, parent);
        Activity.Current = null;
        return activity;
    }

    private static void Stop(Activity activity)
    {
        activity.Stop();
        Activity.Current = null;
    }

    private void Write(Activity activity)
    {
        var text = $"{activity.TraceId.ToHexString()}-{activity.SpanId.ToHexString()}-{(activity.Recorded ? "01" : "00")}";
        Encoding.ASCII.GetBytes(text, _line.AsSpan(16));
    }

    private static string? TraceState(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == 10 && Ascii.EqualsIgnoreCase(field.Name(bytes), "tracestate"u8))
            {
                return Text(field.Value(bytes));
            }
        }

        return null;
    }

    private static string? Text(ReadOnlySpan<byte> value) => value.IsEmpty ? null : Encoding.Latin1.GetString(value);
}
