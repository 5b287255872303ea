namespace Kiro.Tests.Balancer.Forwarding.Smuggling;

/// <summary>
/// Publicly known request-smuggling techniques: CL.TE, TE.CL, TE.TE, spellings of framing fields, bare CR and LF, chunks, targets. Each is
/// what a client sends before an innocent last request.
/// </summary>
internal static class SmugglingCorpus
{
    /// <summary>A request within a body that must never be seen as a request.</summary>
    private const string Hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

    private const string Chunked = "Transfer-Encoding: chunked\r\n";

    private static readonly string[] Codings =
    [
        Chunked, "Transfer-Encoding:chunked\r\n", "transfer-encoding: CHUNKED\r\n", "Transfer-Encoding:\tchunked\t\r\n", "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n", " Transfer-Encoding: chunked\r\n", "\tTransfer-Encoding: chunked\r\n", "X: y\r\n Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n", "Transfer-Encoding\r\n: chunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n", "X: y\rTransfer-Encoding: chunked\r\n",
        "X: y\r\rTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\n", "Transfer-Encoding: chunked\r\r\n", "Transfer-Encoding: chunked\0\r\n",
        "Transfer-Encoding: \0chunked\r\n", "Transfer-Encoding\0: chunked\r\n", "Transfer-Encoding: \vchunked\r\n", "Transfer-Encoding: chunked\v\r\n",
        "Transfer-Encoding: \fchunked\r\n", "Transfer-Encoding: \u00a0chunked\r\n", "Transfer-Encoding: \u00ffchunked\r\n", "Transfer-Encoding: \bchunked\r\n",
        "Transfer-Encoding: \u007fchunked\r\n", "Transfer_Encoding: chunked\r\n", "Transfer Encoding: chunked\r\n", "Transfer-Encoding;: chunked\r\n",
        "Transfer-Encoding:: chunked\r\n", "X-Transfer-Encoding: chunked\r\n", "Content-Encoding: chunked\r\n", "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedx\r\n", "Transfer-Encoding: chunk\r\n", "Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding: 'chunked'\r\n",
        "Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, chunked\r\n", "Transfer-Encoding: ,chunked\r\n", "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: identity\r\n", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked\r\n", "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n",
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
        "(Transfer-Encoding): chunked\r\n", "Transfer-Encoding=chunked\r\n", "\u00ffTransfer-Encoding: chunked\r\n",
    ];

    // # stands for the length of the hidden request.
    private static readonly string[] Lengths =
    [
        "Content-Length: #\r\n", "Content-Length:#\r\n", "content-length:  # \t\r\n", "Content-Length: 000#\r\n", "Content-Length: +#\r\n", "Content-Length: -#\r\n",
        "Content-Length: -0\r\n", "Content-Length: 0x#\r\n", "Content-Length: #,#\r\n", "Content-Length: #, 0\r\n", "Content-Length: 0, #\r\n", "Content-Length: ,#\r\n",
        "Content-Length: #.0\r\n", "Content-Length: #e0\r\n", "Content-Length: #;\r\n", "Content-Length: # #\r\n", "Content-Length: \"#\"\r\n", "Content-Length: #\0\r\n",
        "Content-Length: \0#\r\n", "Content-Length: #\v\r\n", "Content-Length: \v#\r\n", "Content-Length: #\f\r\n", "Content-Length: #\u00a0\r\n",
        "Content-Length:\r\n", "Content-Length:\r\n #\r\n", "Content-Length: 1\r\n #\r\n", "Content-Length : #\r\n", "Content-Length\t: #\r\n", " Content-Length: #\r\n",
        "X: y\nContent-Length: #\r\n", "X: y\rContent-Length: #\r\n", "Content-Length: #\n", "Content-Length\0: #\r\n", "Content_Length: #\r\n", "Content Length: #\r\n",
        "Content-Length: #\r\nContent-Length: #\r\n", "Content-Length: #\r\nContent-Length: 0\r\n", "Content-Length: 0\r\nContent-Length: #\r\n",
        "Content-Length: 18446744073709551616\r\n", "Content-Length: 18446744073709551650\r\n", "Content-Length: 9223372036854775808\r\n",
        "Content-Length: \u00b2\r\n", "Connection: Content-Length\r\nContent-Length: #\r\n", "Connection: close, Content-Length\r\nContent-Length: #\r\n",
        "Expect: 100-continue\r\nContent-Length: #\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nContent-Length: #\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: #\r\n", "X: y\r\n\rContent-Length: #\r\n", "Content-Length: #\r\n\r",
    ];

    private static readonly string[] Chunks =
    [
        "0\r\n\r\n", "00000000000000000\r\n\r\n", "0;a\r\n\r\n", "0 ;a=b\r\n\r\n", "0\t\r\n\r\n", "0;a\n\r\n\r\n", "0;a\r\r\n\r\n", "0;\0\r\n\r\n", "0\n\n", "0\r\n\n", "0\n\r\n",
        "0\r\r", "0\r\n\r", "0 x\r\n\r\n", "0x0\r\n\r\n", "+0\r\n\r\n", "-0\r\n\r\n", " 0\r\n\r\n", "\r\n0\r\n\r\n", "0,\r\n\r\n", "0_0\r\n\r\n", "\"0\"\r\n\r\n", "\r\n\r\n", "g\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "4\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "5.0\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n", "fffffffffffffffe\r\nhello\r\n0\r\n\r\n", "8000000000000000\r\nhello\r\n0\r\n\r\n", "5;\nhello\r\n0\r\n\r\n",
        "5;a=\"\r\n\r\nhello\r\n0\r\n\r\n", "5\u00a0\r\nhello\r\n0\r\n\r\n", "5\v\r\nhello\r\n0\r\n\r\n", "0\r\nContent-Length: 100\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0\r\nX: y\n\r\n", "0\r\nX: y\rZ: y\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\n: y\r\n\r\n", "0\r\nX: \0\r\n\r\n", "0\r\nHost: b\r\nX-Real-IP: 1.1.1.1\r\n\r\n",
    ];

    // Complete heads, with what they contain of a hidden request.
    private static readonly string[] Heads =
    [
        "GET /first HTTP/1.1\nHost: a\n\n", "GET /first HTTP/1.1\r\nHost: a\n\r\n", "GET /first HTTP/1.1\r\nHost: a\r\n\n", "GET /first HTTP/1.1\rHost: a\r\r",
        "\n\nGET /first HTTP/1.1\r\nHost: a\r\n\r\n", "\r\r\r\r\rGET /first HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nGET /first HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET /first HTTP/1.1\r\nHost: a\r\n\r\n", "\0GET /first HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first HTTP/1.1 \r\nHost: a\r\n\r\n", "GET  /first  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET\t/first\tHTTP/1.1\r\nHost: a\r\n\r\n", "GET /first\r\nHost: a\r\n\r\n", "GET /first HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /first http/1.1\r\nHost: a\r\n\r\n", "get /first HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /first\rGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first\0 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first\u0085 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /first#/hidden HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first%0d%0a%0d%0aGET%20/hidden HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/first HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://a HTTP/1.1\r\nHost: b\r\n\r\n", "GET http://a@b/first HTTP/1.1\r\nHost: a\r\n\r\n", "GET http:///first HTTP/1.1\r\nHost: a\r\n\r\n", "GET //b/first HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET @b/first HTTP/1.1\r\nHost: a\r\n\r\n", "GET b:80 HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        "GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET /first HTTP/1.1\r\nHost: a\r\n Host: b\r\n\r\n", "GET /first HTTP/1.1\r\nHost: a\r\nHost : b\r\n\r\n",
        "GET /first HTTP/1.1\r\nHost: a b\r\n\r\n", "GET /first HTTP/1.1\r\nHost: a/b\r\n\r\n", "GET /first HTTP/1.1\r\nHost: a\0b\r\n\r\n", "GET /first HTTP/1.1\r\n\r\n", "GET /first HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /first HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\r\n" + Hidden, "GET /first HTTP/1.1\r\nHost: a\r\nX: y\n\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /first HTTP/1.1\r\nHost: a\r\nX: y\r\rGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n", "GET /first HTTP/1.1\r\nHost: a\r\nX: y\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /first HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Hidden,
        "GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n" + Hidden,
        "GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];

    /// <summary>The corpus: each string is the bytes of one client connection, as Latin-1.</summary>
    public static IEnumerable<string> All()
    {
        const string Post = "POST /first HTTP/1.1\r\nHost: a\r\n";
        var length = $"Content-Length: {Hidden.Length}\r\n";
        var whole = $"Content-Length: {Hidden.Length + 5}\r\n";
        return
        [
            .. Codings.SelectMany(coding => (string[])
            [
                $"{Post}{coding}\r\n0\r\n\r\n{Hidden}",
                $"{Post}{coding}{whole}\r\n0\r\n\r\n{Hidden}",
                $"{Post}{whole}{coding}\r\n0\r\n\r\n{Hidden}",
                $"{Post}Content-Length: 4\r\n{coding}\r\n{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n",
                $"{Post}{Chunked}{coding}\r\n0\r\n\r\n{Hidden}",
                $"GET /first HTTP/1.1\r\nHost: a\r\n{coding}\r\n0\r\n\r\n{Hidden}",
            ]),
            .. Lengths.Select(spelling => spelling.Replace("#", $"{Hidden.Length}", StringComparison.Ordinal)).SelectMany(spelling => (string[])
            [
                $"{Post}{spelling}\r\n{Hidden}",
                $"{Post}{length}{spelling}\r\n{Hidden}",
                $"{Post}{spelling}{Chunked}\r\n0\r\n\r\n{Hidden}",
                $"GET /first HTTP/1.1\r\nHost: a\r\n{spelling}\r\n{Hidden}",
            ]),
            .. Chunks.SelectMany(chunks => (string[])
            [
                $"{Post}{Chunked}\r\n{chunks}{Hidden}",
                $"{Post}{Chunked}\r\n{Hidden.Length:x}\r\n{Hidden}\r\n{chunks}",
                $"GET /first HTTP/1.1\r\nHost: a\r\n{Chunked}\r\n{chunks}{Hidden}",
            ]),
            .. Heads, .. Heads.Select(head => head + Hidden),
        ];
    }
}
