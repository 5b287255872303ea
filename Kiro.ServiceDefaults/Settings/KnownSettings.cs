namespace Kiro.ServiceDefaults.Settings;

/// <summary>The variables of all of Kiro's programs, which may share one <c>.env</c> file.</summary>
public static class KnownSettings
{
    /// <summary>The names.</summary>
    public static IReadOnlyCollection<string> All { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        // The balancer.
        "ACCESS_LOG", "ADMIN_HOSTS", "ADMIN_LISTEN", "ADMIN_TOKEN", "BACKEND_CA", "BACKEND_CONNECTIONS", "BACKEND_COUNT", "BACKEND_DNS", "BACKEND_FILE",
        "BACKEND_HOSTS", "BACKEND_PORT", "BACKEND_PROTOCOL", "BACKEND_START_PORT", "BACKEND_TLS_NAME", "BALANCER_PEERS", "BALANCER_PORT",
        "CLIENT_IDLE_TIMEOUT", "CLIENT_IP_HEADER", "CONNECT_TIMEOUT", "DNS_INTERVAL", "DRAIN_DELAY", "DRAIN_TIMEOUT", "EJECT_ERRORS",
        "ERROR_PAGE", "EXCHANGE_TIMEOUT", "FORWARDED", "FORWARDER", "FRONT_LOOPS", "H2C", "HASH_BALANCE_FACTOR", "HASH_IPV4_PREFIX", "HASH_IPV6_PREFIX",
        "HASH_SEED", "HEALTH_BUSY_TIMEOUT", "HEALTH_FALL", "HEALTH_HOST", "HEALTH_INTERVAL", "HEALTH_PATH", "HEALTH_RISE", "HEALTH_STATUS", "HEALTH_TIMEOUT",
        "LIMIT_BURST", "LIMIT_CONNECTIONS", "LIMIT_CONNECTIONS_PER_CLIENT", "LIMIT_REQUEST_BODY", "LIMIT_REQUEST_HEAD", "LIMIT_REQUESTS_PER_SECOND", "LISTEN_ADDRESS", "LOG_FORMAT",
        "PROXY_PROTOCOL", "SESSION_IDLE", "SLOW_START", "STATE_FILE", "STICKY_BY", "STICKY_COOKIE", "STREAM_GRACE", "TLS_CERTIFICATE", "TLS_CERTIFICATES", "TLS_CLIENT_CA",
        "TLS_KEY", "TLS_KEY_PASSWORD", "TLS_PORT", "TLS_REDIRECT", "TRUSTED_PROXIES",
        // The API.
        "HEARTBEAT_INTERVAL", "LEDGER_INTERVAL", "MYSQL_DATABASE", "MYSQL_HOST", "MYSQL_PASSWORD", "MYSQL_PORT", "MYSQL_USER", "NODE_NAME",
        "PORT", "SQLITE_FILE",
        // The runner and the AppHost.
        "FREE_PORTS", "INSTANCE_COUNT", "MYSQL_CONTAINER", "SPARE_COUNT", "START_PORT",
    };

    /// <summary>Whether this is a variable of the framework or a library.</summary>
    public static bool IsOfTheFramework(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Contains("__", StringComparison.Ordinal) || name.Contains(':', StringComparison.Ordinal)
            || FrameworkPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
    }

    private static readonly string[] FrameworkPrefixes = ["ASPNETCORE_", "DOTNET_", "OTEL_", "KIRO_", "KUBERNETES_", "COMPlus_"];
}
