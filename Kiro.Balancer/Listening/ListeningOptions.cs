using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>Where clients connect, and how many may.</summary>
/// <param name="Listen"><c>BALANCER_PORT</c> and <c>LISTEN_ADDRESS</c>.</param>
/// <param name="Connections"><c>LIMIT_CONNECTIONS</c>: connections of clients at a time, 1 to 10,000,000; null: as many as the
/// descriptor limit allows.</param>
/// <param name="IdleTimeout"><c>CLIENT_IDLE_TIMEOUT</c>: how long a client's connection is kept between two requests, 1 s to a
/// day, default 130 s.</param>
internal sealed record ListeningOptions(ListenPort Listen, int? Connections, TimeSpan IdleTimeout)
{
    private const string Addresses = "LISTEN_ADDRESS";
    private const string LimitConnections = "LIMIT_CONNECTIONS";

    /// <summary>Unless it is told otherwise.</summary>
    public static ListenPort UsualListen { get; } = new("BALANCER_PORT", 13003) { AddressVariable = Addresses, MayTakeProxyHeaders = true };

    public static ListeningOptions Read(SettingsReader settings) => new(
        UsualListen with { Port = settings.Port(UsualListen.Variable, UsualListen.Port), Addresses = ReadAddresses(settings) },
        ReadLimit(settings),
        settings.Seconds("CLIENT_IDLE_TIMEOUT", 130, 1, 86_400));

    private static int? ReadLimit(SettingsReader settings) =>
        settings.Text(LimitConnections) is null ? null : settings.WholeNumber(LimitConnections, 1, 1, 10_000_000);

    private static List<IPAddress> ReadAddresses(SettingsReader settings)
    {
        if (settings.Text(Addresses) is not { } list)
        {
            return [];
        }

        var addresses = new List<IPAddress>();
        foreach (var part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParse(part, out var address))
            {
                settings.Reject(Addresses, list, $"IP addresses of this machine such as 127.0.0.1,::1; {part} is none");
                return [];
            }

            if (!addresses.Contains(address))
            {
                addresses.Add(address);
            }
        }

        if (addresses.Count == 0)
        {
            settings.Reject(Addresses, list, "IP addresses of this machine such as 127.0.0.1,::1");
        }

        return addresses;
    }

    // The framework also takes "1" and "0x7f.1", which are hardly meant.
    private static bool TryParse(string text, out IPAddress address)
    {
        var isBracketed = text.StartsWith('[') && text.EndsWith(']');
        return IPAddress.TryParse(isBracketed ? text[1..^1] : text, out address!)
            && (text.Contains(':', StringComparison.Ordinal) || address.ToString() == text);
    }
}
