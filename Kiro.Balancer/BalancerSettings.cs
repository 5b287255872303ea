using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Front.Listening;
using Kiro.Balancer.Health.Active;
using Kiro.Balancer.Health.Passive;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Http2;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Balancer.State;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Telemetry;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer;

/// <summary>All settings of the balancer, read together at the start and at every reload.</summary>
internal sealed record BalancerSettings(
    ListeningOptions Listening,
    AdminListener AdminListener,
    TlsOptions Tls,
    Http2Options Http2,
    DrainOptions Drain,
    ClientOptions Clients,
    LimitOptions Limits,
    HashingOptions Hashing,
    SelectionOptions Selection,
    BackendTransportOptions Transport,
    ForwardingOptions Forwarding,
    ErrorPage ErrorPage,
    StreamOptions Streams,
    FrontOptions Front,
    DiscoveryOptions Discovery,
    HealthOptions Health,
    ErrorWatchOptions Errors,
    AdminToken Admin,
    PeerOptions Peers,
    AccessLogOptions AccessLog,
    LogOptions Log,
    StateOptions State,
    SettingsReport Report)
{
    /// <summary>
    /// The variables that a reload can change; others keep their value until a restart, which is reported. A room whose options can change holds them
    /// as a <see cref="Reloadable{T}"/>, and its variables are listed here.
    /// </summary>
    public static IReadOnlySet<string> CanChange { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "ACCESS_LOG", "ADMIN_TOKEN", "BACKEND_COUNT", "BACKEND_DNS", "BACKEND_FILE", "BACKEND_HOSTS", "BACKEND_PORT",
        "BACKEND_START_PORT", "BALANCER_PEERS", "CLIENT_IDLE_TIMEOUT", "CONNECT_TIMEOUT", "DNS_INTERVAL", "DRAIN_DELAY", "DRAIN_TIMEOUT",
        "EJECT_ERRORS", "ERROR_PAGE", "EXCHANGE_TIMEOUT", "HEALTH_BUSY_TIMEOUT", "HEALTH_FALL", "HEALTH_HOST", "HEALTH_INTERVAL",
        "HEALTH_PATH", "HEALTH_RISE", "HEALTH_STATUS", "HEALTH_TIMEOUT", "LIMIT_BURST", "LIMIT_CONNECTIONS",
        "LIMIT_CONNECTIONS_PER_CLIENT", "LIMIT_REQUEST_BODY", "LIMIT_REQUESTS_PER_SECOND", "STREAM_GRACE", "TLS_CERTIFICATE", "TLS_CERTIFICATES",
        "TLS_CLIENT_CA", "TLS_KEY", "TLS_KEY_PASSWORD", "TRUSTED_PROXIES",
    };

    /// <exception cref="InvalidSettingsException">One line for each invalid value.</exception>
    public static BalancerSettings Read(IConfiguration configuration) => Read(new SettingsReader(configuration), configuration);

    /// <param name="settings">Reads the settings and collects errors.</param>
    /// <param name="configuration">The configuration behind it.</param>
    /// <param name="certificates">The current files; null at the start.</param>
    /// <exception cref="InvalidSettingsException">One line for each invalid value.</exception>
    public static BalancerSettings Read(SettingsReader settings, IConfiguration configuration, CertificateFiles? certificates = null)
    {
        var tls = TlsOptions.Read(settings, certificates);
        var forwarding = ForwardingOptions.Read(settings);
        var discovery = DiscoveryOptions.Read(settings, configuration);
        var transport = BackendTransportOptions.Read(settings, defaultName: discovery.DnsIsTls ? discovery.Dns : null);
        var listening = ListeningOptions.Read(settings);
        tls.RejectPortOf(settings, listening.Listen);
        discovery.WarnOfLoop(settings, listening.Listen);
        var admin = AdminListener.Read(settings, (listening.Listen.Variable, listening.Listen.Port), ("TLS_PORT", tls.Port));
        var read = new BalancerSettings(
            listening,
            admin,
            tls,
            Http2Options.Read(settings),
            DrainOptions.Read(settings),
            ClientOptions.Read(settings),
            LimitOptions.Read(settings),
            HashingOptions.Read(settings),
            SelectionOptions.Read(settings),
            transport,
            forwarding,
            ErrorPage.Read(settings),
            StreamOptions.Read(settings),
            FrontOptions.Read(settings, forwarding, tls, transport),
            discovery,
            HealthOptions.Read(settings),
            ErrorWatchOptions.Read(settings),
            AdminToken.Read(settings),
            PeerOptions.Read(settings, admin.Or(listening.Listen)),
            AccessLogOptions.Read(settings),
            LogOptions.Read(settings),
            StateOptions.Read(settings),
            SettingsReport.Of(settings, configuration));
        settings.ThrowIfInvalid();
        return read;
    }
}
