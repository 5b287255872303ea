using System.Globalization;
using System.Net;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Kiro.Balancer.Peers;

/// <summary>The other balancers, to share operators' orders and sessions with.</summary>
internal sealed record PeerOptions
{
    private const string Variable = "BALANCER_PEERS";
    private const string Token = "ADMIN_TOKEN";
    private const string TlsPort = "TLS_PORT";

    /// <param name="peers">The peers.</param>
    /// <param name="own">Where this balancer listens.</param>
    /// <param name="token">The shared admin token.</param>
    public PeerOptions(IReadOnlyList<PeerName> peers, ListenPort own, string? token) =>
        (Peers, Own, Authorization) = (peers, own, "Bearer " + token);

    /// <summary><c>BALANCER_PEERS</c>: names and addresses; each address of a name is a peer. May include this balancer.</summary>
    public IReadOnlyList<PeerName> Peers { get; }

    /// <summary>Where this balancer listens, to exclude itself.</summary>
    public ListenPort Own { get; }

    /// <summary>Its HTTPS port, if any.</summary>
    public int? OwnTlsPort { get; private init; }

    /// <summary>A secret.</summary>
    public string Authorization { get; }

    public bool Equals(PeerOptions? other) =>
        other is not null && (Own.Port, OwnTlsPort, Authorization) == (other.Own.Port, other.OwnTlsPort, other.Authorization)
        && Peers.SequenceEqual(other.Peers) && Own.Addresses.SequenceEqual(other.Own.Addresses);

    public override int GetHashCode() => HashCode.Combine(Peers.Count, Own.Port, OwnTlsPort, Authorization);

    /// <summary>Without the token.</summary>
    public override string ToString() => $"{Peers.Count} peers";

    /// <param name="settings">The settings.</param>
    /// <param name="own">Where this balancer listens: the default port of peers.</param>
    public static PeerOptions Read(SettingsReader settings, ListenPort own)
    {
        var (list, token) = (settings.Text(Variable), settings.Text(Token));
        var peers = new List<PeerName>();
        foreach (var part in list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (Parse(part, own.Port) is not { } peer)
            {
                settings.Reject(Variable, list!, $"host, host:port or https://host:port, separated by commas, ports from 1 to 65535; {part} is none of them");
                return new PeerOptions([], own, null);
            }

            if (!peers.Contains(peer))
            {
                peers.Add(peer);
            }
        }

        if (list is not null && token is null)
        {
            settings.Reject(Variable, list, $"{Token} beside it: balancers believe only those that have it");
        }

        if (list is not null && token?.Any(char.IsControl) == true)
        {
            settings.RejectSecret(Token, $"no control characters when {Variable} is set");
        }

        return new PeerOptions(peers, own, token) { OwnTlsPort = int.TryParse(settings.Text(TlsPort), CultureInfo.InvariantCulture, out var tls) ? tls : null };
    }

    private static PeerName? Parse(string part, int defaultPort)
    {
        var (scheme, address) = part.Split("://", 2) switch
        {
            ["http" or "https", var rest] => (part[..part.IndexOf(':', StringComparison.Ordinal)], rest),
            [var rest] => ("http", rest),
            _ => ("", ""),
        };
        // An IPv6 address without brackets has no port.
        var colon = IPAddress.TryParse(address, out _) && !address.StartsWith('[') ? -1 : address.LastIndexOf(':');
        colon = colon > address.LastIndexOf(']') ? colon : -1;
        var (host, port) = (colon < 0 ? address : address[..colon], defaultPort);
        if (colon >= 0 && (!int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535))
        {
            return null;
        }

        host = host is ['[', .. var inner, ']'] && inner.Contains(':', StringComparison.Ordinal) ? inner : host;
        return Uri.CheckHostName(host) switch
        {
            UriHostNameType.IPv6 => new PeerName(scheme, IPAddress.Parse(host).ToString(), port),
            UriHostNameType.IPv4 or UriHostNameType.Dns when HostName.IsUnambiguous(host) => new PeerName(scheme, host.ToLowerInvariant(), port),
            _ => null,
        };
    }
}

/// <summary>A peer as configured.</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Host">A name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
internal sealed record PeerName(string Scheme, string Host, int Port);

internal static class PeerServices
{
    /// <summary>Must come before discovery and the listeners, so that no backend is used against an order.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">The peers.</param>
    /// <param name="sharesSessions">Whether there are sessions to share.</param>
    public static void AddPeers(this IServiceCollection services, Reloadable<PeerOptions> options, bool sharesSessions = false)
    {
        services.AddSingleton(options);
        services.TryAddSingleton<OrderBook>();
        services.AddSingleton<IStandingOrders>(provider => provider.GetRequiredService<OrderBook>());
        services.AddSingleton<OperatorOrders>();
        services.AddSingleton<IStatePart, OrdersPart>();
        services.AddSingleton<PeerExchange>();
        services.AddSingleton<PeerLookup>();
        services.AddSingleton<PeerSet>();
        services.AddSingleton<SessionCounters>();
        if (sharesSessions)
        {
            services.AddSingleton<SessionExchange>();
            services.AddSingleton<IHandoverData>(provider => provider.GetRequiredService<SessionExchange>());
        }

        services.AddHostedService(provider => provider.GetRequiredService<PeerSet>());
        if (sharesSessions)
        {
            services.AddHostedService<SessionSync>();
        }
    }
}
