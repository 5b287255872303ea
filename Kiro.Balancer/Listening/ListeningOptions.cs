using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Listening;

/// <summary>Listening addresses and connection limits.</summary>
/// <param name="Listen"><c>BALANCER_PORT</c> and <c>LISTEN_ADDRESS</c>.</param>
/// <param name="Connections"><c>LIMIT_CONNECTIONS</c>: maximum number of client connections, 1 to 10,000,000; null derives it from the descriptor
/// limit.</param>
/// <param name="IdleTimeout"><c>CLIENT_IDLE_TIMEOUT</c>: keep-alive timeout of client connections, 1 s to a day, default 130 s.</param>
internal sealed record ListeningOptions(ListenPort Listen, int? Connections, TimeSpan IdleTimeout)
{
    private const string Addresses = "LISTEN_ADDRESS";
    private const string LimitConnections = "LIMIT_CONNECTIONS";

    public static ListenPort DefaultListen { get; } = new("BALANCER_PORT", 13003) { AddressVariable = Addresses, MayTakeProxyHeaders = true };

    public static ListeningOptions Read(SettingsReader settings) => new(
        DefaultListen with { Port = settings.Port(DefaultListen.Variable, DefaultListen.Port), Addresses = ReadAddresses(settings) },
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
                settings.Reject(Addresses, list, $"IP addresses of this machine such as 127.0.0.1,::1; {part} is not one");
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

    // .NET also accepts "1" and "0x7f.1", which are hardly intended.
    private static bool TryParse(string text, out IPAddress address)
    {
        var isBracketed = text.StartsWith('[') && text.EndsWith(']');
        return IPAddress.TryParse(isBracketed ? text[1..^1] : text, out address!)
            && (text.Contains(':', StringComparison.Ordinal) || address.ToString() == text);
    }
}

/// <summary>A setting, other than that of the plain port, that opens a listener.</summary>
/// <param name="Variable">The variable.</param>
/// <param name="Value">Its value.</param>
/// <param name="Port">The port.</param>
internal sealed record ConfiguredPort(string Variable, string Value, int Port);
