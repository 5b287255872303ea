using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Authentication;
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
