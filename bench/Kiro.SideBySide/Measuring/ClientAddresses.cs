using System.Net;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>The addresses of the simulated clients, the same for all proxies and runs.</summary>
internal static class ClientAddresses
{
    private const int Forwarded = 2000;

    /// <summary>Where connections come from: one loopback address per connection.</summary>
    public static IPAddress[] Sources(int connections, ClientIdentity identity) =>
        [.. Enumerable.Range(0, connections).Select(connection => identity == ClientIdentity.SourceAddress
            ? new IPAddress([127, 1, (byte)(connection >> 8), (byte)connection])
            : IPAddress.Loopback)];

    /// <summary>The addresses for X-Forwarded-For; none if clients connect directly.</summary>
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
