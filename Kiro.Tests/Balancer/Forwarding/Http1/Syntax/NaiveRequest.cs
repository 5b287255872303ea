using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// A naive parser for request heads, by regular expressions, and the expected request for the backend: written from the
/// RFCs as a reference for the real one.
/// </summary>
internal sealed partial class NaiveRequest
{
    private const string Token = @"[!#$%&'*+\-.^_`|~0-9A-Za-z]+";
    private const string Client = "203.0.113.7", Peer = "198.51.100.2", Node = "10.0.0.1:80";

    private static readonly string[] Connections =
    [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "proxy-features",
        "proxy-instruction", "security-scheme", "alpn", "close", "http2-settings", "te", "alt-svc", "upgrade",
    ];

    private static readonly string[] Written =
        ["host", "content-length", "transfer-encoding", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "x-kiro-client"];

    private readonly List<(string Name, string Value)> _fields;

    private NaiveRequest(Match head)
    {
        Length = head.Length;
        (Method, Target, Version) = (head.Groups["method"].Value, head.Groups["target"].Value, head.Groups["minor"].Value);
        _fields = [.. head.Groups["name"].Captures.Zip(head.Groups["value"].Captures, (name, value) => (name.Value, value.Value.Trim(' ', '\t')))];
    }

    /// <summary>Whether more input could complete the head.</summary>
    public static bool CanContinue(string text) => !Ends().IsMatch(text) && text.Length < 32 * 1024;

    /// <returns>Null when there is no head, or none to be accepted.</returns>
    public static NaiveRequest? Read(string text)
    {
        var match = Head().Match(text);
        return match.Success && match.Length <= 32 * 1024 && new NaiveRequest(match) is { IsGood: true } request ? request : null;
    }

    public int Length { get; }

    public string Method { get; }

    public string Target { get; }

    public string Version { get; }

    public string? Codings => Joined("transfer-encoding");

    public string? ContentLength => Joined("content-length");

    public bool Closes => Options.Contains("close") || (Version == "0" && !Options.Contains("keep-alive"));

    public bool IsWebSocket =>
        Method == "GET" && Version != "0" && Options.Contains("upgrade") && Values("upgrade").Count == 1 && Is(Values("upgrade")[0], "websocket")
        && Values("sec-websocket-key").Any(key => key != "") && Values("sec-websocket-version").Any(version => version != "")
        && Codings is null && (ContentLength ?? "0").Trim('0') == "";

    private IReadOnlyList<string> Options => Members("connection");

    private string Authority => Absolute().Match(Target) is { Success: true } url ? url.Groups["authority"].Value : Joined("host") ?? "";

    private bool IsGood =>
        _fields.Count <= 100 && Target.Length <= 8192 && Method != "CONNECT"
        && (Target.StartsWith('/') || (Method, Target) == ("OPTIONS", "*") || Absolute().IsMatch(Target)) && !Target.Contains('#', StringComparison.Ordinal)
        && (Authority == "" || IsAuthority(Authority))
        && Values("host") is var hosts && hosts.Count <= 1 && (hosts.Count == 1 || Version == "0") && hosts.All(host => host == "" || IsAuthority(host))
        && Values("content-length") is var lengths && lengths.Count <= 1 && lengths.All(length => Number().IsMatch(length) && UInt128.Parse(Cut(length), CultureInfo.InvariantCulture) <= 9223372036854775799)
        && Values("transfer-encoding") is var codings && codings.Count <= 1 && codings.All(coding => Is(coding, "chunked")) && (codings.Count == 0 || (Version != "0" && lengths.Count == 0))
        && Options.Count(option => option is not ("close" or "keep-alive" or "upgrade")) <= 100;

    public string ForNode(bool isTrusted)
    {
        var path = Absolute().Match(Target) is { Success: true } url
            ? url.Groups["path"].Value is var rest && rest == "" ? Method == "OPTIONS" ? "*" : "/" : rest.StartsWith('?') ? "/" + rest : rest
            : Target;
        var head = new StringBuilder($"{Method} {path} HTTP/1.1\r\nHost: {(Authority == "" ? Node : Authority)}\r\n");
        foreach (var (name, value) in _fields.Where(field => Passes(field.Name.ToLowerInvariant(), isTrusted)))
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        var claims = Values("x-forwarded-for").Where(value => value != "" && isTrusted).Append(Peer);
        head.Append(CultureInfo.InvariantCulture, $"X-Forwarded-For: {string.Join(", ", claims)}\r\nX-Forwarded-Proto: {Claim("x-forwarded-proto", "http", isTrusted)}\r\n");
        head.Append(Claim("x-forwarded-host", Authority, isTrusted) is { Length: > 0 } host ? $"X-Forwarded-Host: {host}\r\n" : "");
        head.Append(CultureInfo.InvariantCulture, $"X-Real-IP: {Client}\r\n");
        var said = string.Join(", ", Values("forwarded").Where(value => value != ""));
        var completed = said == "" || OpenQuote().IsMatch(said) ? "" : said + ", ";
        head.Append(isTrusted && Values("forwarded").Count > 0 ? $"Forwarded: {completed}for={Peer}{(Authority == "" ? "" : $";host=\"{Authority}\"")};proto=http\r\n" : "");
        head.Append(IsWebSocket ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : Members("te").Contains("trailers") ? "Connection: TE\r\nTE: trailers\r\n" : "");
        head.Append(Codings is not null ? "Transfer-Encoding: chunked\r\n"
            : ContentLength is { } length ? $"Content-Length: {Cut(length)}\r\n"
            : Method is "GET" or "HEAD" or "OPTIONS" or "DELETE" or "TRACE" ? "" : "Content-Length: 0\r\n");
        return head.Append("\r\n").ToString();
    }

    private bool Passes(string name, bool isTrusted)
    {
        var meant = name.Replace('_', '-');
        var isActedOn = Connections.Contains(meant) || Written.Contains(meant) || meant.StartsWith("x-forwarded-", StringComparison.Ordinal)
            || meant is "trailer" or "expect" or "cdn-loop" or "traceparent" or "authorization" or "forwarded" or "sec-websocket-key";
        return name == "cdn-loop" || (meant != name ? !(isActedOn || Options.Contains(name))
            : name.StartsWith("x-forwarded-", StringComparison.Ordinal) ? isTrusted && !Written.Contains(name) && !Options.Contains(name)
            : name != "forwarded" && !Connections.Contains(name) && !Written.Contains(name) && !Options.Contains(name)
                && (name != "expect" || Version != "0") && (name != "trailer" || Codings is not null));
    }

    private string Claim(string name, string own, bool isTrusted) =>
        isTrusted && Values(name).FirstOrDefault(value => value != "") is { } said ? said : own;

    private List<string> Values(string name) => [.. _fields.Where(field => Is(field.Name, name)).Select(field => field.Value)];

    private string? Joined(string name) => Values(name) is { Count: > 0 } values ? string.Join(",", values) : null;

    private List<string> Members(string name) =>
        [.. (Joined(name) ?? "").Split(',').Select(member => member.Trim(' ', '\t').ToLowerInvariant()).Where(member => member != "")];

    private static bool Is(string text, string other) => text.Equals(other, StringComparison.OrdinalIgnoreCase);

    // So that it can be parsed despite leading zeros.
    private static string Cut(string digits) => digits.TrimStart('0') is { Length: > 0 } rest ? rest.Length > 30 ? rest[..30] : rest : "0";

    private static bool IsAuthority(string text) =>
        Host().Match(text) is { Success: true } match
        && (match.Groups["ip"].Value is var ip && (ip == "" || (IPAddress.TryParse(ip, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6)))
        && (match.Groups["port"].Value is var port && (port == "" || UInt128.Parse(Cut(port), CultureInfo.InvariantCulture) <= 65535));

    // Quoted strings, each closed, and then one that is not (RFC 9110, section 5.6.4).
    [GeneratedRegex("""^([^"]*"([^"\\]|\\.)*")*[^"]*"([^"\\]|\\.)*\\?$""", RegexOptions.Singleline)]
    private static partial Regex OpenQuote();

    [GeneratedRegex($@"\A(\r\n){{0,4}}(?<method>{Token}) (?<target>[!-~]+) HTTP/1\.(?<minor>[0-9])\r\n((?<name>{Token}):(?<value>[\t\x20-\x7e\x80-\xff]*)\r\n)*\r\n")]
    private static partial Regex Head();

    [GeneratedRegex(@"\A(\r\n)*[^\r\n].*?\r\n\r\n", RegexOptions.Singleline)]
    private static partial Regex Ends();

    [GeneratedRegex(@"\A[hH][tT][tT][pP][sS]?://(?<authority>[^/?#]+)(?<path>([/?].*)?)\z")]
    private static partial Regex Absolute();

    [GeneratedRegex(@"\A(\[(?<ip>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\]|([A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(:(?<port>[0-9]*))?\z")]
    private static partial Regex Host();

    [GeneratedRegex(@"\A[0-9]+\z")]
    private static partial Regex Number();
}
