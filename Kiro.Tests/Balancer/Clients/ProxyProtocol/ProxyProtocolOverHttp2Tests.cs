using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.ProxyProtocol;

/// <summary>PROXY_PROTOCOL=on with cleartext HTTP/2, which is served by a different listener than the one that reads the header.</summary>
public class ProxyProtocolOverHttp2Tests
{
    [Theory]
    [InlineData("PROXY UNKNOWN\r\n", "127.0.0.1")]
    [InlineData("PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n", "127.0.0.9")]
    [InlineData("PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n", "203.0.113.7")]
    public async Task Header_BeforeThePreface_IsRequiredOnce(string header, string client)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "PROXY_PROTOCOL=on", "H2C=on");
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, balancer.Port, cancellationToken);
                await socket.SendAsync(Encoding.ASCII.GetBytes(header), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{balancer.Port}/")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(client, RawHead.Value(node.Heads.Single(), "X-Real-IP"));
    }
}

[OverLean]
public sealed class ProxyProtocolOverHttp2AndLeanTests : ProxyProtocolOverHttp2Tests;

[OverYarp]
public sealed class ProxyProtocolOverHttp2AndYarpTests : ProxyProtocolOverHttp2Tests;
