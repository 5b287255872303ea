using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

public class ResponseParserTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 2\r\n\nok")]
    [InlineData("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok\r\n\r\n")]
    public void Head_WithBareLineFeeds_IsAccepted(string response)
    {
        var bytes = Encoding.Latin1.GetBytes(response);
        var head = new ResponseHead();

        Assert.Equal(HeadState.Complete, ResponseParser.Parse(bytes, 0, head, out var length));

        Assert.StartsWith("ok", response[length..], StringComparison.Ordinal);
        Assert.Equal((200, 2), (head.Status, (int)head.ContentLength!.Value));
        Assert.Equal("b", response.Substring(head.Fields[0].ValueStart, head.Fields[0].ValueLength));
    }

    [Theory]
    [InlineData("bare CR in the status line", "HTTP/1.1 200 O\rK\r\n\r\n")]
    [InlineData("bare CR as a line end", "HTTP/1.1 200 OK\rX-A: b\r\n\r\n")]
    [InlineData("bare CR in a value", "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\n\r\n")]
    [InlineData("two CRs", "HTTP/1.1 200 OK\r\nX-A: b\r\r\n\r\n")]
    [InlineData("folded line", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n")]
    [InlineData("folded line after LF", "HTTP/1.1 200 OK\nX-A: b\n\tc\n\n")]
    [InlineData("status 000", "HTTP/1.1 000 Nothing\r\n\r\n")]
    [InlineData("status 099", "HTTP/1.1 099 Nothing\r\n\r\n")]
    [InlineData("four digits", "HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("coding twice in a line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")]
    [InlineData("coding twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")]
    [InlineData("identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n")]
    [InlineData("no coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n")]
    [InlineData("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n")]
    [InlineData("length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n")]
    [InlineData("length with a VT", "HTTP/1.1 200 OK\r\nContent-Length: \v2\r\n\r\n")]
    [InlineData("length of 21 digits", "HTTP/1.1 200 OK\r\nContent-Length: 000000000000000000002000000000000000000000\r\n\r\n")]
    [InlineData("NUL in a value", "HTTP/1.1 200 OK\r\nX-A: b\0c\r\n\r\n")]
    public void Head_Ambiguous_IsRejected(string what, string response) => Assert.True(
        ResponseParser.Parse(Encoding.Latin1.GetBytes(response), 0, new ResponseHead(), out _) == HeadState.Invalid, what);

    [Theory]
    [InlineData("HTTP/1.1 200 OK\rX")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("220 mail")]
    public void Head_InvalidPrefix_IsRejectedAtOnce(string start) => Assert.Equal(
        HeadState.Invalid, ResponseParser.Parse(Encoding.Latin1.GetBytes(start), 0, new ResponseHead(), out _));

    [Theory]
    [InlineData("text/event-stream", true)]
    [InlineData("Text/Event-Stream", true)]
    [InlineData("text/event-stream;charset=utf-8", true)]
    [InlineData("text/event-stream ; charset=utf-8", true)]
    [InlineData("text/event-streams", false)]
    [InlineData("text/plain;x=text/event-stream", false)]
    public void EventStream_IsRecognizedByContentType(string type, bool expected) =>
        Assert.Equal(expected, Parse($"Content-Type: {type}").IsEventStream);

    [Theory]
    [InlineData("Keep-Alive: timeout=5", 5, null)]
    [InlineData("Keep-Alive: Timeout = 5, MAX=100", 5, 100)]
    [InlineData("Keep-Alive: max=0", null, 0)]
    [InlineData("Keep-Alive: timeout=soon, max=-1", null, null)]
    [InlineData("Keep-Alive: timeout=99999999999", null, null)]
    public void KeepAlive_IsParsed(string field, int? timeout, int? max)
    {
        var head = Parse(field);

        Assert.Equal((timeout, max), (head.KeepAliveTimeout, head.KeepAliveMax));
    }

    [Theory]
    [InlineData("WWW-Authenticate: NTLM", true)]
    [InlineData("WWW-Authenticate: Negotiate YII=", true)]
    [InlineData("WWW-Authenticate: Basic realm=\"a\", negotiate", true)]
    [InlineData("WWW-Authenticate: Basic realm=\"a\"\r\nwww-authenticate: ntlm TlRM", true)]
    [InlineData("Proxy-Authenticate: NTLM", true)]
    [InlineData("WWW-Authenticate: Basic realm=NTLM", false)]
    [InlineData("WWW-Authenticate: NTLMv3", false)]
    [InlineData("X-Authenticate: NTLM", false)]
    public void ConnectionLogin_IsRecognized(string fields, bool expected) => Assert.Equal(expected, Parse(fields).BindsConnection);

    [Theory]
    [InlineData(426, true)]
    [InlineData(200, false)]
    [InlineData(400, false)]
    public void Upgrade_IsForwardedWhereRequired(int status, bool expected)
    {
        var head = Parse("Upgrade: TLS/1.3", status);

        Assert.Equal(expected, head.IsForwarded(head.Fields[0]));
    }

    [Theory]
    [InlineData(304, 0, null)]
    [InlineData(304, 7, 7L)]
    [InlineData(200, 0, 0L)]
    [InlineData(204, 7, null)]
    public void ContentLength_WithoutABody_IsDropped(int status, int length, long? expected) =>
        Assert.Equal(expected, Parse($"Content-Length: {length}", status).ContentLength);

    private static ResponseHead Parse(string fields, int status = 200)
    {
        var head = new ResponseHead();
        Assert.Equal(HeadState.Complete, ResponseParser.Parse(Encoding.Latin1.GetBytes($"HTTP/1.1 {status} X\r\n{fields}\r\n\r\n"), 0, head, out _));
        return head;
    }
}
