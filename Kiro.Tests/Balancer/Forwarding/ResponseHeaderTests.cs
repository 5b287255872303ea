using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class ResponseHeaderTests
{
    [Theory]
    [InlineData("X-Latin", "caf\u00e9 \u00fc\u00df \u00ff")]
    [InlineData("X-Utf8", "\u00c3\u00a9\u00e2\u0082\u00ac")]
    [InlineData("Location", "/caf\u00c3\u00a9?x=\u00e9")]
    [InlineData("Location", "http://elsewhere.example/../a%2Fb")]
    [InlineData("Content-Disposition", "attachment; filename=\"\u00fcber.txt\"")]
    [InlineData("Date", "Sat, 01 Jan 2000 00:00:00 GMT")]
    [InlineData("Date", "whenever")]
    [InlineData("Server", "a node (of its own)/1.0")]
    [InlineData("ETag", "not quoted")]
    [InlineData("Last-Modified", "never")]
    [InlineData("Expires", "-1")]
    [InlineData("Cache-Control", "private, x=\"y\"")]
    [InlineData("Content-Encoding", "gzip")]
    [InlineData("Content-Type", "text/html;charset=\"x\";;")]
    [InlineData("Vary", "*")]
    [InlineData("Via", "1.1 node")]
    [InlineData("Strict-Transport-Security", "max-age=1")]
    [InlineData("WWW-Authenticate", "Basic realm=\"a, b\"")]
    public async Task Value_Any_ArrivesByteForByte(string name, string value)
    {
        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\n{name}: {value}\r\nContent-Length: 2\r\n\r\nok");

        Assert.Equal(value, response.Value(name));
        Assert.Equal("ok", response.Body);
    }

    [Fact]
    public async Task Field_Repeated_KeepsItsFieldLines()
    {
        var response = await AnswerAsync(
            "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nX-Many: 1\r\nSet-Cookie: b=2; Expires=Sat, 01 Jan 2000 00:00:00 GMT\r\nX-Many: 2, 3\r\nSet-Cookie: \u00e9\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal(["a=1; Path=/", "b=2; Expires=Sat, 01 Jan 2000 00:00:00 GMT", "\u00e9"], response.Values("Set-Cookie"));
        Assert.Equal(["1", "2, 3"], response.Values("X-Many"));
    }

    [Fact]
    public async Task Field_NotSent_IsNotAdded()
    {
        var response = await AnswerAsync("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 2\r\n\r\nok");

        var names = response.Head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(':')[0]);
        Assert.Equal(["Content-Length", "Date"], names.Order());
    }

    [Theory]
    [InlineData("200 OK")]
    [InlineData("200 Fine By Me")]
    [InlineData("201 Created")]
    [InlineData("206 Partial Content")]
    [InlineData("299 Odd")]
    [InlineData("301 Moved Permanently")]
    [InlineData("400 Bad Request")]
    [InlineData("401 Unauthorized")]
    [InlineData("404 Nothing Here")]
    [InlineData("418 I'm a teapot")]
    [InlineData("429 Too Many Requests")]
    [InlineData("500 Internal Server Error")]
    [InlineData("503 Service Unavailable")]
    [InlineData("599 Whatever")]
    [InlineData("999 Beyond")]
    public async Task Status_Any_KeepsItsReasonPhrase(string status)
    {
        var response = await AnswerAsync($"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");

        Assert.Equal("HTTP/1.1 " + status, response.StatusLine);
        Assert.Equal("ok", response.Body);
    }

    [Fact]
    public async Task Head_Large_Arrives()
    {
        var fields = string.Concat(Enumerable.Range(0, 200).Select(number => $"X-{number}: {new string('y', 200)}\r\n"));

        var response = await AnswerAsync($"HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok");

        Assert.Equal(new string('y', 200), response.Value("X-199"));
    }

    private static async Task<RawResponse> AnswerAsync(string response)
    {
        await using var node = RawBackend.Responding(response);
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        return await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    }
}
