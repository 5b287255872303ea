using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Logging;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>Writes the same lines as <see cref="AccessLogWriter"/>, for requests that stay on a loop.</summary>
internal sealed class FrontAccessLog(Reloadable<AccessLogOptions> options, ILoggerFactory loggers)
{
    private readonly ILogger _logger = loggers.CreateLogger(AccessLogWriter.Category);

    /// <summary>Whether any request may get a line.</summary>
    public bool IsOn => options.Value.Fraction > 0;

    public void Write(
        ClientAddress client, string method, string path, int status, long? bytes, TimeSpan duration, KnownBackend? backend, int tries)
    {
        if (_logger.IsEnabled(LogLevel.Information) && options.Value.Picks())
        {
            _logger.Served(
                client.ToString(), AccessWord.Of(method), AccessWord.Of(path), status,
                bytes?.ToString(CultureInfo.InvariantCulture) ?? AccessWord.None, Math.Round(duration.TotalMilliseconds, 1),
                AccessWord.Of(backend?.Name), tries);
        }
    }
}
