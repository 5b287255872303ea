using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

public sealed class RequestParserTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("get / HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\n\r\n")]
    [InlineData("GET / HTTP/1.2\r\nHost: a.example\r\n\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("GET http://a.example HTTP/1.1\r\nHost: B.EXAMPLE\r\n\r\n")]
    [InlineData("GET HTTPS://a.example:/ HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("GET /|^{}\"\\`?[]% HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost:\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a_b.%41!$&'()*+,;=~\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example\r\nX-Latin: caf\u00e9\r\nX-Tab:\ta\tb\t\r\nX-Empty:\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0000000000000000000000000005\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9223372036854775799\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding:\tCHUNKED \r\n\r\n")]
    public void Head_Valid_IsAccepted(string text) => Assert.Equal((RequestState.Complete, 0), Parse(text));

    [Theory]
    [InlineData("\r\r\r\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData(" GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /  HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\rX")]
    [InlineData("GET / HTTP/1.1\rHost: a\r\n\r\n")]
    [InlineData("GET / http/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.10\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/11.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1,1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /\r\n\r\n")]
    [InlineData("G(T / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /a\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /a\u007f HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET * HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET a.example HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET a.example:80 HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\nHost:\r\nhost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a%4\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: :80\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1%1]\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: \u00e9\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX(A): b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\u000bc\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\u007fc\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-length: 5\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000000000005\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\u000c\r\n\r\nhello")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")]
    [InlineData("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\0")]
    public void Head_Invalid_IsRejected(string text) => Assert.Equal((RequestState.Refused, 400), Parse(text));

    [Theory]
    [InlineData("gzip, chunked")]
    [InlineData("chunked, chunked")]
    [InlineData("chunked\r\nTransfer-Encoding: chunked")]
    [InlineData("chunked\r\nTransfer-Encoding: identity")]
    [InlineData("identity")]
    [InlineData("xchunked")]
    [InlineData("chunked;q=1")]
    [InlineData("\"chunked\"")]
    [InlineData("chunked,")]
    [InlineData(",chunked")]
    [InlineData("")]
    public void TransferEncoding_OtherThanChunkedOnce_Is501(string codings) =>
        Assert.Equal((RequestState.Refused, 501), Parse($"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {codings}\r\n\r\n0\r\n\r\n"));

    [Theory]
    [InlineData("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505)]
    [InlineData("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 501)]
    public void Head_Unsupported_IsRejectedWithItsStatus(string text, int status) => Assert.Equal((RequestState.Refused, status), Parse(text));

    [Fact]
    public void Http2Preface_IsRecognized() => Assert.Equal((RequestState.Http2, 0), Parse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));

    [Fact]
    public void Head_AtTheLimits_IsAcceptedAndBeyondRejected()
    {
        Assert.Equal((RequestState.Complete, 0), Parse($"GET /{new string('a', RequestHead.MaxTargetLength - 1)} HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal((RequestState.Refused, 414), Parse($"GET /{new string('a', RequestHead.MaxTargetLength)} HTTP/1.1\r\nHost: a\r\n\r\n"));

        var fields = string.Concat(Enumerable.Range(2, RequestHead.MaxFields - 1).Select(number => $"X-{number}: a\r\n"));
        Assert.Equal((RequestState.Complete, 0), Parse($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        Assert.Equal((RequestState.Refused, 431), Parse($"GET / HTTP/1.1\r\nHost: a\r\n{fields}X: a\r\n\r\n"));

        const string Start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        var filling = new string('a', RequestHead.DefaultMaxBytes - Start.Length - 4);
        Assert.Equal((RequestState.Complete, 0), Parse($"{Start}{filling}\r\n\r\n"));
        Assert.Equal((RequestState.Refused, 431), Parse($"{Start}{filling}a\r\n\r\n"));
    }

    [Theory]
    [InlineData("HTTP/1.1", "", false)]
    [InlineData("HTTP/1.1", "Connection: close\r\n", true)]
    [InlineData("HTTP/1.1", "Connection: X-A,, CLOSE\r\n", true)]
    [InlineData("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", true)]
    [InlineData("HTTP/1.0", "", true)]
    [InlineData("HTTP/1.0", "Connection: Keep-Alive\r\n", false)]
    [InlineData("HTTP/1.0", "Connection: Keep-Alive, close\r\n", true)]
    public void Connection_ByVersionAndOption_ClosesOrNot(string version, string fields, bool closes) =>
        Assert.Equal(closes, Head($"GET / {version}\r\nHost: a\r\n{fields}\r\n").Closes);

    [Theory]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n", true)]
    [InlineData("GET", "Connection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n", true)]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n", false)]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n", false)]
    [InlineData("GET", "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n", false)]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n", false)]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Key: x\r\n", false)]
    [InlineData("POST", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n", false)]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nContent-Length: 1\r\n", false)]
    public void Upgrade_ToWebSocket_IsRecognized(string method, string fields, bool isWebSocket) =>
        Assert.Equal(isWebSocket, Head($"{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").IsWebSocket);

    [Fact]
    public void Parse_TypicalRequest_AllocatesNothing()
    {
        var (bytes, head) = (Encoding.Latin1.GetBytes("GET /a HTTP/1.1\r\nHost: a.example\r\nConnection: close, X-A\r\nX-A: b\r\nX_B: c\r\n\r\n"), new RequestHead());

        Assert.Equal(0, Allocated.By(_ => RequestParser.Parse(bytes, head)));
    }

    private static RequestHead Head(string text)
    {
        var head = new RequestHead();
        Assert.Equal(RequestState.Complete, RequestParser.Parse(Encoding.Latin1.GetBytes(text), head));
        return head;
    }

    // Parsing prefix after prefix must give the same result as parsing the whole.
    private static (RequestState State, int Status) Parse(string text)
    {
        var (bytes, head) = (Encoding.Latin1.GetBytes(text), new RequestHead());
        var whole = (RequestParser.Parse(bytes, head), head.RefusalStatus);
        var length = head.Length;
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var state = RequestParser.Parse(bytes.AsSpan(0, cut), head);
            Assert.True(state == RequestState.Incomplete || ((state, head.RefusalStatus) == whole && (state != RequestState.Complete || cut >= length)), text[..cut]);
        }

        return whole;
    }
}
