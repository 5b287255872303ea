using System.Net;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>The addresses of the simulated clients. The same for all proxies, in every run.</summary>
internal static class ClientAddresses
{
    private const int Forwarded = 2000;

    /// <summary>Where connections come from: an address for each, all of them on the loopback.</summary>
    public static IPAddress[] Sources(int connections, ClientIdentity identity) =>
        [.. Enumerable.Range(0, connections).Select(connection => identity == ClientIdentity.SourceAddress
            ? new IPAddress([127, 1, (byte)(connection >> 8), (byte)connection])
            : IPAddress.Loopback)];

    /// <summary>What X-Forwarded-For says; nothing when clients connect themselves.</summary>
    public static IPAddress[] Forward(ClientIdentity identity)
    {
        if (identity == ClientIdentity.SourceAddress)
        {
            return [];
        }

        var random = new Random(1);
        return [.. Enumerable.Range(0, Forwarded).Select(_ => new IPAddress([203, (byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(1, 255)]))];
    }
}
