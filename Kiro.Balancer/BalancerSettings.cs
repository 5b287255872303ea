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
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Telemetry;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer;

/// <summary>Every variable of the balancer, read once at the start.</summary>
internal sealed record BalancerSettings(
    ListeningOptions Listening,
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
    SettingsReport Report)
{
    /// <exception cref="InvalidSettingsException">One line for each value that cannot be used.</exception>
    public static BalancerSettings Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration);
        var tls = TlsOptions.Read(settings);
        var listening = ListeningOptions.Read(settings);
        var forwarding = ForwardingOptions.Read(settings);
        var discovery = DiscoveryOptions.Read(settings, configuration);
        var transport = BackendTransportOptions.Read(settings, usualName: discovery.DnsIsTls ? discovery.Dns : null);
        var read = new BalancerSettings(
            listening,
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
            FrontOptions.Read(settings, forwarding, tls, transport, discovery),
            discovery,
            HealthOptions.Read(settings),
            ErrorWatchOptions.Read(settings),
            AdminToken.Read(settings),
            PeerOptions.Read(settings, listening.Listen),
            AccessLogOptions.Read(settings),
            LogOptions.Read(settings),
            SettingsReport.Of(settings, configuration));
        settings.ThrowIfInvalid();
        return read;
    }
}
