using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Health;

/// <summary>HTTP connections between Kiro's programs on one machine.</summary>
public static class LocalConnections
{
    // "PROXY UNKNOWN": the connection is the sender's own (PROXY protocol, version 1, section 2.1).
    private static readonly byte[] Header = "PROXY UNKNOWN\r\n"u8.ToArray();

    /// <summary>Whether a balancer with these settings expects a PROXY protocol header from a peer at this address.</summary>
    /// <param name="configuration">The balancer's settings.</param>
    /// <param name="peer">The client's address.</param>
    public static bool NeedProxyHeader(IConfiguration configuration, IPAddress peer)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration["PROXY_PROTOCOL"]?.Trim() == "on"
            && TrustedProxies.Read(new SettingsReader(configuration)).Any(network => network.Contains(peer));
    }

    /// <summary>A handler that ignores the proxy settings of the environment.</summary>
    /// <param name="withHeader">Whether each connection begins with a PROXY protocol header.</param>
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
