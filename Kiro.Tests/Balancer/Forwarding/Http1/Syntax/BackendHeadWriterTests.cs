using System.Net;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

public sealed class BackendHeadWriterTests
{
    private const string Own = "X-Forwarded-For: 198.51.100.2\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.example\r\nX-Real-IP: 203.0.113.7\r\n";

    [Theory]
    [InlineData("GET /a?b HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: a.example\r\n" + Own + "\r\n")]
    [InlineData("get http://a.example?b HTTP/1.1\r\nHost: other\r\n\r\n", "get /?b HTTP/1.1\r\nHost: a.example\r\n" + Own + "Content-Length: 0\r\n\r\n")]
    [InlineData("GET http://a.example HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example\r\n" + Own + "\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n" + Own + "\r\n")]
    [InlineData("OPTIONS http://a.example HTTP/1.1\r\nHost:\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n" + Own + "\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 007\r\n\r\n", "POST / HTTP/1.1\r\nHost: a.example\r\n" + Own + "Content-Length: 7\r\n\r\n")]
    [InlineData("PUT / HTTP/1.1\r\nHost: a.example\r\ntransfer-encoding: CHUNKED\r\nTrailer: X\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a.example\r\nTrailer: X\r\n" + Own + "Transfer-Encoding: chunked\r\n\r\n")]
    public void Head_Any_IsRewritten(string request, string expected) => Assert.Equal(expected, Write(request));

    [Theory]
    [InlineData("X-A: 1\r\nx-b:2\r\nX-C: \t3 \r\nX-D:\r\n", "X-A: 1\r\nx-b: 2\r\nX-C: 3\r\nX-D: \r\n")]
    [InlineData("X-A: 1\r\nX-A: 2\r\nbaggage: a=1;p=2\r\ntraceparent: t\r\nA_B: c\r\n", "X-A: 1\r\nX-A: 2\r\nbaggage: a=1;p=2\r\ntraceparent: t\r\nA_B: c\r\n")]
    [InlineData("A: 1\r\nConnection: close, x-a\r\nX-A: 1\r\nB: 2\r\nx-A: 3\r\nConnection: b\r\nC: 4\r\n", "A: 1\r\nC: 4\r\n")]
    [InlineData("Connection: Host, X-Real-IP, Content-Length\r\nContent-Length: 0\r\nC: 4\r\n", "C: 4\r\n")]
    [InlineData("Keep-Alive: 5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTE: gzip\r\nTrailer: X\r\nC: 4\r\n", "C: 4\r\n")]
    [InlineData("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Port: 1\r\nForwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nC: 4\r\n", "C: 4\r\n")]
    [InlineData("X_Forwarded-Port: 1\r\nX_Real_IP: 1.1.1.1\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\nC: 4\r\n", "C: 4\r\n")]
    [InlineData("Expect: 100-continue\r\n", "Expect: 100-continue\r\n")]
    public void Fields_OfAnUntrustedClient_AreForwardedOrDropped(string fields, string expected)
    {
        var head = Write($"GET / HTTP/1.1\r\n{fields}Host: a.example\r\n\r\n");

        Assert.StartsWith($"GET / HTTP/1.1\r\nHost: a.example\r\n{expected}{Own}", head, StringComparison.Ordinal);
    }

    [Fact]
    public void ForwardedFields_OfATrustedProxy_AreExtended()
    {
        var head = Write(
            "GET / HTTP/1.1\r\nHost: a.example:80\r\nX-Forwarded-For: 203.0.113.7, 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\n"
            + "X-Forwarded-Host: shop\r\nX-Forwarded-Port: 1\r\nForwarded: for=203.0.113.7\r\nX_Forwarded_For: 3.3.3.3\r\n\r\n",
            isTrusted: true);

        Assert.Equal(
            "GET / HTTP/1.1\r\nHost: a.example:80\r\nX-Forwarded-Port: 1\r\n"
            + "X-Forwarded-For: 203.0.113.7, 1.1.1.1, 2.2.2.2, 198.51.100.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\nX-Real-IP: 203.0.113.7\r\n"
            + "Forwarded: for=203.0.113.7, for=198.51.100.2;host=\"a.example:80\";proto=http\r\n\r\n",
            head);
    }

    [Fact]
    public void Host_Missing_IsTheBackends()
    {
        var head = Write("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");

        Assert.Equal("GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\nX-Forwarded-For: 198.51.100.2\r\nX-Forwarded-Proto: http\r\nX-Real-IP: 203.0.113.7\r\n\r\n", head);
    }

    [Theory]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n" + Own + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("TE: gzip;q=1, Trailers\r\n", Own + "Connection: TE\r\nTE: trailers\r\n\r\n")]
    public void Connection_WhereRequired_IsTheBalancersOwn(string fields, string expected)
    {
        var head = Write($"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");

        Assert.Equal($"GET / HTTP/1.1\r\nHost: a.example\r\n{expected}", head);
    }

    private static string Write(string request, bool isTrusted = false)
    {
        var (bytes, head) = (Encoding.Latin1.GetBytes(request), new RequestHead());
        Assert.Equal(RequestState.Complete, RequestParser.Parse(bytes, head));
        var additions = new RequestAdditions
        {
            Client = new Client(ClientAddress.From(IPAddress.Parse("203.0.113.7")), ClientAddress.From(IPAddress.Parse("198.51.100.2")), isTrusted),
            Authority = "10.0.0.1:80"u8,
        };
        var output = new byte[BackendHeadWriter.MaxLength(head, additions)];
        return Encoding.Latin1.GetString(output, 0, BackendHeadWriter.Write(bytes, head, additions, output));
    }
}
