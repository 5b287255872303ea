using System.Globalization;
using System.Net;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Fuzzes the request parser and the head writer with thousands of mutated requests. <c>KIRO_FUZZ</c> sets the number, for
/// long runs, and <c>KIRO_FUZZ_SEED</c> the seed.
/// </summary>
public sealed class RequestFuzzTests(ITestOutputHelper output)
{
    private static readonly string[] Heads =
    [
        "GET /a?b HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a.example:80\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello",
        "PUT /a HTTP/1.1\r\nHost: [::1]:8\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\nTE: trailers\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: Keep-Alive, X-A\r\nX-A:  b \t\r\nExpect: 100-continue\r\n\r\n",
        "GET http://a.example/x?y HTTP/1.1\r\nHost: b.example\r\nForwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n\r\n",
        "\r\nOPTIONS * HTTP/1.1\r\nHost:\r\nX-Forwarded-Proto: https\r\nX_Real_IP: 1.1.1.1\r\nX-Forwarded-Host: c\r\nA_B: c\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nAuthorization: NTLM x\r\n\r\n",
    ];

    private static readonly string[] Pieces =
    [
        "\r\n", "\r", "\n", "\r\n\r\n", "\0", " ", "\t", "\v", ":", ",", ";", "0", "#", "?", "*", "@", "%", "_", "-", "+", "/", "[::1]", ":80", "chunked",
        "\r\n ", "\u00e9", "\u007f", "close", "X-A", "Host: b\r\n", "Host:\r\n", "Content-Length: 5\r\n", "Content-Length: 5, 5\r\n", "content_length: 6\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding : chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Connection: close, x-a\r\n",
        "Connection: Upgrade\r\n", "Upgrade: websocket\r\n", "Upgrade: h2c\r\n", "TE: gzip, trailers\r\n", "X-A: 1\r\n", "X-Forwarded-For: 3.3.3.3\r\n",
        "X-Forwarded-Port: 1\r\n", "CDN-Loop: a\r\n", "cdn-loop", "HTTP/1.0", "HTTP/2.0", "http://", "https://c.example", "GET", "OPTIONS", "CONNECT", "9223372036854775807", "00000000000000000000",
    ];

    private static readonly Client Caller = new(ClientAddress.From(IPAddress.Parse("203.0.113.7")), ClientAddress.From(IPAddress.Parse("198.51.100.2")), PeerIsTrusted: false);

    private static int Cases => int.TryParse(Environment.GetEnvironmentVariable("KIRO_FUZZ"), CultureInfo.InvariantCulture, out var cases) ? cases : 20_000;

    private static int Seed => int.TryParse(Environment.GetEnvironmentVariable("KIRO_FUZZ_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : 1;

    [Fact]
    public void Heads_Mutated_MatchTheReferenceParser()
    {
        var (random, taken, head) = (new Random(Seed), 0, new RequestHead());
        for (var number = 0; number < Cases; number++)
        {
            var bytes = Mutations.Of(Heads[random.Next(Heads.Length)], random, Pieces);
            var state = RequestParser.Parse(bytes, head);
            if (state != Compare(bytes, state, head, isTrusted: number % 2 == 0))
            {
                Assert.Fail($"{state} {head.Problem}: {Show(bytes)}");
            }

            var (problem, length, cut) = (head.Problem, head.Length, random.Next(bytes.Length + 1));
            var before = RequestParser.Parse(bytes.AsSpan(0, cut), head);
            if (before != RequestState.Incomplete && (before, head.Problem, head.Length) != (state, problem, length))
            {
                Assert.Fail($"{state} {problem}, but {before} {head.Problem} when cut at {cut}: {Show(bytes)}");
            }

            taken += state == RequestState.Complete ? 1 : 0;
        }

        output.WriteLine($"{Cases} heads, {taken} taken");
        Assert.InRange(taken, Cases / 10, Cases * 9 / 10);
    }

    /// <returns>The expected state; null when something else differs.</returns>
    private static RequestState? Compare(byte[] bytes, RequestState state, RequestHead head, bool isTrusted)
    {
        var text = Encoding.Latin1.GetString(bytes);
        if (NaiveRequest.Read(text) is not { } expected)
        {
            return state == RequestState.Http2 && text.Contains("PRI * HTTP/2.0\r\n", StringComparison.Ordinal) ? state
                : state == RequestState.Incomplete && NaiveRequest.CanContinue(text) ? state : RequestState.Refused;
        }

        if (state != RequestState.Complete)
        {
            return RequestState.Complete;
        }

        var additions = new RequestAdditions { Client = Caller with { PeerIsTrusted = isTrusted }, Authority = "10.0.0.1:80"u8 };
        var room = new byte[BackendHeadWriter.MaxLength(head, additions)];
        var written = Encoding.Latin1.GetString(room, 0, BackendHeadWriter.Write(bytes, head, additions, room));
        return written == expected.ForNode(isTrusted) && NaiveRequest.Read(written)?.Length == written.Length
            && (head.Length, head.Closes, head.IsWebSocket, head.IsChunked) == (expected.Length, expected.Closes, expected.IsWebSocket, expected.Codings is not null)
            ? state : null;
    }

    private static string Show(byte[] bytes) => Encoding.Latin1.GetString(bytes).Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
