using System.Globalization;
using CsCheck;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>Random cases, mostly valid, some deliberately broken.</summary>
internal static class Cases
{
    private const char EndOfHead = '\u0002';

    private static readonly string[] BrokenBodies = ["x\r\n", "3\r\nhello\r\n0\r\n\r\n", "fffffffff\r\n"];

    private static readonly Gen<string> Token = Gen.Char["abcXYZ019-_"].Array[1, 8].Select(chars => "X-" + new string(chars));

    private static readonly Gen<string> Value = Gen.OneOf(
        Gen.Char["abc 019,;=\"()\t/\u00e9\u00ff"].Array[0, 20].Select(chars => new string(chars).Trim(' ', '\t')),
        Gen.Const("1"));

    private static readonly Gen<string> RequestField = Gen.OneOf(
        Gen.Select(Token, Value, (name, value) => $"{name}: {value}"),
        Gen.OneOf(
            "Accept: a/b", "Cookie: a=1", "User-Agent: x/1", "Connection: keep-alive", "Connection: X-Named", "X-Named: 1", "TE: trailers",
            "Keep-Alive: timeout=5", "Proxy-Authorization: x", "Content-Type: text/plain", "X-Forwarded-For: 203.0.113.7",
            "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /a", "Forwarded: for=1", "X_Real_IP: 1", "X-Real-IP: 1", "Upgrade-Insecure-Requests: 1",
            "Authorization: Basic x", "If-Modified-Since: x", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "X(odd): 1", "Range: bytes=0-1", "Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade", "Connection: close, X-Named",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13",
            "Accept: text/event-stream", "TE: trailers, x", "baggage: a=1;p=2", "Authorization: Negotiate x", "X-Bad: \u0001", "Trailer: X-T", "Expect: x", "Max-Forwards: 5", "Proxy-Connection: keep-alive",
            "Connection: close, keep-alive", "Connection: ,", "Connection:", "Connection: Host, Content-Length, Transfer-Encoding", "X-Empty:", "TE: deflate",
            "CDN-Loop: a", "Forwarded: for=\"", "X-Forwarded-Host: c.example", "Cookie: b=2; c", "Alt-Svc: x", "Close: 1", "Expires: 0", "Allow: GET"));

    private static readonly Gen<(string Method, string Field, string Body)> RequestBody = Gen.Frequency(
        (4, Gen.OneOf("GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PROPFIND", "TRACE", "get", "Post", "propfind").Select(method => (method, "", ""))),
        (2, Gen.Select(Gen.OneOf("POST", "PUT", "GET", "PATCH", "DELETE"), Text(0, 300), (method, body) => (method, $"Content-Length: {body.Length}\r\n", body))),
        (2, Gen.Select(Gen.OneOf("POST", "PUT", "DELETE"), Chunks(false), (method, body) => (method, "Transfer-Encoding: chunked\r\n", body))),
        (1, Gen.OneOf(
            ("POST", "Transfer-Encoding: chunked\r\n", BrokenBodies[0]), ("POST", "Transfer-Encoding: chunked\r\n", BrokenBodies[1]),
            ("POST", "Content-Length: x\r\n", ""), ("POST", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            ("POST", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), ("POST", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
            ("POST", "Content-Length: +0\r\n", ""), ("OPTIONS", "Max-Forwards: 0\r\n", ""),
            ("G(T", "", ""), ("PUT", "Transfer-Encoding: chunked\r\n", BrokenBodies[2]))));

    private static readonly Gen<string> Request = Gen.Select(
        RequestBody,
        Gen.Frequency(
            (6, Gen.OneOf(
                "/", "/a%2Fb?c=%20+d", "//x", "/..", "/?", "/a\"<>\\^`{|}b", "/%", "http://a.example/y", "http://b.example", "HTTP://B.example:80/x", "http://b.example?x", "http://[::1]:80/x",
                "https://a.example/", "http://a.example:/x")),
            (1, Gen.OneOf("/a#b", "/\u00e9", "/a\0", "*", "a:80", "?x", "http:///x", "http://a.example:99999/", "http://a@b/", "ftp://a/"))),
        Gen.Frequency((6, Gen.Const("1.1")), (1, Gen.Const("1.0"))), RequestField.Array[0, 6],
        (body, target, version, fields) => $"{body.Method} {target} HTTP/{version}\r\n{body.Field}{string.Concat(fields.Select(field => field + "\r\n"))}{EndOfHead}{body.Body}");

    private static readonly Gen<string> Fields = Gen.OneOf(
        Gen.Select(Token, Value, (name, value) => $"{name}: {value}"),
        Gen.OneOf(
            "Server: x", "ETag: \"1\"", "Set-Cookie: a=1", "Set-Cookie: b=2; Path=/", "Cache-Control: no-store", "Connection: keep-alive",
            "Connection: X-Named", "X-Named: 1", "Keep-Alive: timeout=5", "Keep-Alive: timeout=1, max=0", "Content-Type: text/html", "Content-Type: Text/Event-Stream;x", "Location: /x?\u00e9", "Vary: a, b", "Via: 1.1 x",
            "Proxy-Authenticate: x", "Upgrade: h2c", "Alt-Svc: h3", "Content-Encoding: gzip", "Expires: -1", "Allow: GET", "WWW-Authenticate: Basic", "WWW-Authenticate: Negotiate"))
        .Array[0, 6].Select(fields => string.Concat(fields.Select(field => field + "\r\n")));

    private static readonly Gen<string> Status = Gen.OneOf(
        "200 OK", "200 Fine", "201 Created", "206 Partial Content", "301 Moved Permanently", "404 Not Found", "404 ", "401 Unauthorized", "426 Upgrade Required", "500 Internal Server Error", "599 X", "299 \u00e9", "999 X", "205 Reset Content");

    private static readonly Gen<(string Answer, bool Closes)> Answer = Gen.Frequency(
        (4, Gen.Select(Status, Fields, Text(0, 300), (status, fields, body) => ($"HTTP/1.1 {status}\r\n{fields}Content-Length: {body.Length}\r\n\r\n{body}", false))),
        (4, Gen.Select(Status, Fields, Chunks(true), (status, fields, body) => ($"HTTP/1.1 {status}\r\n{fields}Transfer-Encoding: chunked\r\n\r\n{body}", false))),
        (1, Gen.Select(Fields, Chunks(true), (fields, body) => ($"HTTP/1.1 200 OK\r\n{fields}Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n{body}", false))),
        (1, Gen.Select(Status, Fields, Text(0, 300), (status, fields, body) => ($"HTTP/1.1 {status}\r\n{fields}\r\n{body}", true))),
        (1, Gen.Select(Fields, Text(0, 300), (fields, body) => ($"HTTP/1.0 200 OK\r\n{fields}\r\n{body}", true))),
        (1, Gen.Select(Gen.OneOf("204 No Content", "304 Not Modified", "204 No Content\r\nContent-Length: 5", "304 Not Modified\r\nContent-Length: 0"), Fields,
            (status, fields) => ($"HTTP/1.1 {status}\r\n{fields}\r\n", false))),
        (1, Gen.Select(Status, Fields, Text(0, 300), (status, fields, body) => (
            $"HTTP/1.1 {status}\n{fields.Replace("\r\n", "\n", StringComparison.Ordinal)}Content-Length: {body.Length}\n\n{body}", false))),
        (1, Gen.Select(Fields, Text(1, 300), (fields, body) => ($"HTTP/1.1 200 OK\r\n{fields}Content-Length: {body.Length + 5}\r\n\r\n{body}", true))),
        (1, Fields.Select(fields => ($"HTTP/1.1 103 Early Hints\r\n{fields}\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false))),
        (2, Gen.OneOf(Broken.Answers).Select(answer => (answer, true))));

    private static readonly Gen<string> Host = Gen.Frequency(
        (16, Gen.Const("a.example")),
        (2, Gen.OneOf("", "A.Example", "a.example:", "a.example:80", "[::1]", "[::1]:8", "a_b", "a,b")),
        (1, Gen.OneOf("a b", "a/b", "a@b", "a%61", "[::1", "a:99999", "a:b", "[::1%25eth0]")));

    public static readonly Gen<Case> Any = Gen.Select(
        Request, Answer, Gen.Int[0, 400].Array[0, 3], Host, Gen.Int[0, 9],
        (request, answer, cuts, host, chance) =>
        {
            var end = request.IndexOf(EndOfHead, StringComparison.Ordinal);
            // A node that closes must read first, or a reset may overtake its response.
            return new Case(request[..end], request[(end + 1)..], Cut(answer.Answer, cuts), answer.Closes)
            {
                Host = host,
                // With a broken body, either may come first.
                IsEarly = chance == 0 && !answer.Closes && !BrokenBodies.Contains(request[(end + 1)..]),
            };
        });

    /// <summary>Cuts a text at offsets.</summary>
    public static string[] Cut(string text, params int[] cuts)
    {
        int[] places = [0, .. cuts.Where(cut => cut < text.Length).Order(), text.Length];
        return [.. places.Zip(places.Skip(1), (start, end) => text[start..end]).Where(piece => piece.Length > 0)];
    }

    private static Gen<string> Text(int least, int most) => Gen.Char["abc\r\n0;\0\u00ff"].Array[least, most].Select(chars => new string(chars));

    private static Gen<string> Chunks(bool isAnswer) => Gen.Select(
        Gen.Select(Text(1, 80), Gen.OneOf("", "", ";a=b", ";a"), Gen.Bool).Array[0, 5], Gen.OneOf("", "", "X-T: 1\r\n", "X-T: 1\r\nX-U: 2\r\n", "X-T: 1\r\nContent-Length: 7\r\nSet-Cookie: a=1\r\n"),
        (chunks, trailers) => string.Concat(chunks.Select(chunk => chunk.Item1.Length.ToString(chunk.Item3 ? "X" : "x", CultureInfo.InvariantCulture)
            + $"{chunk.Item2}\r\n{chunk.Item1}\r\n")) + $"0\r\n{(isAnswer ? trailers : "")}\r\n");
}
