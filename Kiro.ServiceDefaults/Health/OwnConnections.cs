using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Health;

/// <summary>How one of Kiro's programs asks another one on this machine.</summary>
public static class OwnConnections
{
    // "PROXY UNKNOWN" says that the connection is the sender's own (the PROXY protocol, version 1, section 2.1).
    private static readonly byte[] Header = "PROXY UNKNOWN\r\n"u8.ToArray();

    /// <summary>Whether a balancer with these settings wants a header of the PROXY protocol from a peer at this address.</summary>
    /// <param name="configuration">The balancer's settings.</param>
    /// <param name="peer">Who asks it.</param>
    public static bool NeedHeader(IConfiguration configuration, IPAddress peer)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration["PROXY_PROTOCOL"]?.Trim() == "on"
            && TrustedProxies.Read(new SettingsReader(configuration)).Any(network => network.Contains(peer));
    }

    /// <summary>A handler that knows no proxy of the environment.</summary>
    /// <param name="withHeader">Whether each connection begins with a header of the PROXY protocol.</param>
    public static SocketsHttpHandler Handler(bool withHeader) =>
        new() { UseProxy = false, ConnectCallback = withHeader ? ConnectAsync : null };

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            await socket.SendAsync(Header, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
