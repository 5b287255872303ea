using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Settings of the active probes.</summary>
internal sealed record HealthOptions
{
    /// <summary><c>HEALTH_PATH</c>, default <c>/health</c>.</summary>
    public string Path { get; init; } = "/health";

    /// <summary><c>HEALTH_HOST</c>: the Host field of probes, for backends that accept only certain names; null for the backend's
    /// address.</summary>
    public string? Host { get; init; }

    /// <summary><c>HEALTH_STATUS</c>: the status codes that pass, such as <c>200-204,301</c>, default <c>200-299</c>.</summary>
    public StatusRanges Status { get; init; } = StatusRanges.Default;

    /// <summary><c>HEALTH_INTERVAL</c>: between probes of a backend that is up, 0.1 to 3600 s, default 30 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>HEALTH_TIMEOUT</c>: for the whole response, 0.1 to 300 s, default 3 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary><c>HEALTH_BUSY_TIMEOUT</c>: how long requests in flight explain that a backend does not respond to probes, 1 to 3600 s,
    /// default 20 s; see <see cref="BusyCheck"/>.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary><c>HEALTH_FALL</c> and <c>HEALTH_RISE</c>, each 1 to 100, default 2.</summary>
    public ProbeThresholds Thresholds { get; init; } = ProbeThresholds.Default;

    public static HealthOptions Read(SettingsReader settings)
    {
        var path = settings.Text("HEALTH_PATH", "/health");
        if (!path.StartsWith('/') || !Uri.IsWellFormedUriString(path, UriKind.Relative))
        {
            settings.Reject("HEALTH_PATH", path, "a path that begins with /");
        }

        var host = settings.Text("HEALTH_HOST");
        if (host is not null && !IsHost(host))
        {
            settings.Reject("HEALTH_HOST", host, "a host name or an address, with or without a port");
        }

        var text = settings.Text("HEALTH_STATUS");
        var status = text is null ? StatusRanges.Default : StatusRanges.Parse(text);
        if (status is null)
        {
            settings.Reject("HEALTH_STATUS", text!, "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301");
        }

        var interval = settings.Seconds("HEALTH_INTERVAL", 30, 0.1, 3600);
        var timeout = settings.Seconds("HEALTH_TIMEOUT", 3, 0.1, 300);
        if (timeout > interval)
        {
            settings.Warn("HEALTH_TIMEOUT is longer than HEALTH_INTERVAL: a node that hangs is probed less often than HEALTH_INTERVAL.");
        }

        return new HealthOptions
        {
            Path = path,
            Host = host,
            Status = status ?? StatusRanges.Default,
            Interval = interval,
            Timeout = timeout,
            BusyTimeout = settings.Seconds("HEALTH_BUSY_TIMEOUT", 20, 1, 3600),
            Thresholds = new ProbeThresholds(settings.WholeNumber("HEALTH_FALL", 2, 1, 100), settings.WholeNumber("HEALTH_RISE", 2, 1, 100)),
        };
    }

    // Uri judges brackets and ports; a user or a path are excluded before.
    private static bool IsHost(string host) =>
        host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']')
        && Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var url) && url.Host.Length > 0;
}

/// <summary>The status codes that pass a probe: <c>200-299</c>, <c>200-204,301</c>.</summary>
internal sealed class StatusRanges : IEquatable<StatusRanges>
{
    private const int Min = 200;
    private const int Max = 599;
    private readonly string _text;
    private readonly (int First, int Last)[] _ranges;

    private StatusRanges(string text, (int First, int Last)[] ranges) => (_text, _ranges) = (text, ranges);

    /// <summary>2xx.</summary>
    public static StatusRanges Default { get; } = Parse("200-299")!;

    /// <returns>Null unless all are status codes from 200 to 599, or ranges of them.</returns>
    public static StatusRanges? Parse(string text)
    {
        var ranges = new List<(int, int)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length > 2 || ParseStatus(ends[0]) is not { } first || ParseStatus(ends[^1]) is not { } last || first > last)
            {
                return null;
            }

            ranges.Add((first, last));
        }

        return new StatusRanges(text, [.. ranges]);
    }

    public bool Contains(int status) => Array.Exists(_ranges, range => status >= range.First && status <= range.Last);

    public bool Equals(StatusRanges? other) => other is not null && _ranges.AsSpan().SequenceEqual(other._ranges);

    public override bool Equals(object? obj) => Equals(obj as StatusRanges);

    public override int GetHashCode() => _ranges.Length == 0 ? 0 : _ranges[0].GetHashCode();

    public override string ToString() => _text;

    private static int? ParseStatus(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= Min and <= Max ? status : null;
}
