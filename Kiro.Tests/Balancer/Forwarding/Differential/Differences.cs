using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>How the paths may differ, and why. Everything else must be equal.</summary>
internal static partial class Differences
{
    /// <summary>Whether Kestrel judges a request differently from the RFCs and the loop: then only the paths behind Kestrel are equal.</summary>
    public static bool AreKestrelsOwn(Case played) => CapitalScheme().IsMatch(played.Request)
        || OddHost().IsMatch(played.Host)
        || (AbsoluteForm().IsMatch(played.Request) && BadHost().IsMatch(played.Host))
        || NoLength().IsMatch(played.Request);

    /// <summary>An outcome without the permitted differences.</summary>
    public static Outcome Without(Case played, Outcome outcome) => outcome with
    {
        // A malformed body may be detected before or after the head was sent to the node.
        Received = outcome.Received is { } received && !outcome.Answered.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal)
            ? NoBodyLength().Replace(UsualPort().Replace(Trailer().Replace(WithoutNamed(played, received), ""), ""), "") : null,
        Answered = KeepAlive().Replace(Reason().Replace(outcome.Answered, ""), "connection: ") switch
        {
            // How much of a broken response is forwarded, or whether it can still become a 502, is a matter of timing. So is the message.
            var response when response.EndsWith("(breaks off)", StringComparison.Ordinal) => "(no response)",
            var response when response.StartsWith("HTTP/1.1 502", StringComparison.Ordinal) => "(no response)",
            // Kestrel refuses a malformed head without a body, and with 405 a target that only another method may have. With several faults, any one
            // may be reported.
            var response when Refusal().IsMatch(response) => "HTTP/1.1 400",
            // Whether the rest of an unwanted body is read or the connection closed is not specified.
            var response when played.IsEarly => WithoutEmptyFraming(Close().Replace(response, "")),
            var response => WithoutEmptyFraming(response),
        },
    };

    // An empty chunked body gets a Content-Length if the head could wait for its end: an HTTP/1.0 client's connection then persists.
    private static string WithoutEmptyFraming(string response) =>
        response.EndsWith("\n\n\n", StringComparison.Ordinal) ? EmptyFraming().Replace(response, "") : response;

    // Kestrel loses the names in Connection if another line of it contains only "keep-alive" or "upgrade".
    private static string WithoutNamed(Case played, string received) =>
        OneOption().IsMatch(played.Request) ? Named().Replace(received, "") : received;

    [GeneratedRegex(@"\nConnection: (keep-alive|Upgrade)\r\n")]
    private static partial Regex OneOption();

    // Schemes are case-insensitive (RFC 9110, section 4.2.3). Kestrel only accepts lower case.
    [GeneratedRegex(@"^\S+ HTTPS?://")]
    private static partial Regex CapitalScheme();

    // Kestrel refuses these characters in Host, which are valid in a reg-name (RFC 3986, section 3.2.2).
    [GeneratedRegex("[,%]")]
    private static partial Regex OddHost();

    // An invalid Host is refused even if the target overrides it (RFC 9112, section 3.2). Kestrel has discarded it by then.
    [GeneratedRegex(@"^\S+ https?://")]
    private static partial Regex AbsoluteForm();

    [GeneratedRegex(@"[ /@]|\[[^\]]*$|:[^]]*[a-z]|:99999")]
    private static partial Regex BadHost();

    // Without a length there is no body (RFC 9112, section 6.3). Kestrel requires a length in HTTP/1.0, as RFC 1945 did.
    [GeneratedRegex(@"^(POST|PUT) \S+ HTTP/1\.0\r\n(?!.*(Content-Length|Transfer-Encoding): )", RegexOptions.Singleline)]
    private static partial Regex NoLength();

    [GeneratedRegex(@"\nx-named: [^\n]*")]
    private static partial Regex Named();

    // Behind Kestrel, request trailers are dropped, so none are announced.
    [GeneratedRegex(@"\ntrailer: [^\n]*")]
    private static partial Regex Trailer();

    // "a.example:" and "a.example:80" are "a.example" (RFC 3986, section 6.2.3), which Kestrel needs or produces.
    [GeneratedRegex(@"(?<=\n((x-forwarded-)?host: |forwarded: [^\n]*host=""?)[^\n;""]*):(80)?(?=\n|"")")]
    private static partial Regex UsualPort();

    // The reason phrase has no meaning (RFC 9112, section 4). Kestrel encodes it in ASCII, and adds one if it is missing.
    [GeneratedRegex(@"(?<=^HTTP/1\.1 [0-9]{3})[^\n]*")]
    private static partial Regex Reason();

    [GeneratedRegex(@"^HTTP/1\.1 (400|501|405\nallow: )")]
    private static partial Regex Refusal();

    [GeneratedRegex(@"\nconnection: close(?=\n)")]
    private static partial Regex Close();

    // Behind Kestrel, "keep-alive" accompanies "Upgrade", which has no meaning in HTTP/1.1.
    [GeneratedRegex(@"(?<=\n)connection: keep-alive, ")]
    private static partial Regex KeepAlive();

    // Redundant, but HttpClient and the loop send it where the others do not: for "get", too, which is an unknown method.
    [GeneratedRegex(@"(?<=^(?i:GET|HEAD|OPTIONS|DELETE|TRACE) .*)\ncontent-length: 0(?=\n)", RegexOptions.Singleline)]
    private static partial Regex NoBodyLength();

    [GeneratedRegex(@"\n(content-length: 0|transfer-encoding: chunked|connection: keep-alive|connection: close)(?=\n)")]
    private static partial Regex EmptyFraming();
}
