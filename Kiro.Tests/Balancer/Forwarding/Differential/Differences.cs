using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>In what the paths may differ, and why. Everything else must be the same.</summary>
internal static partial class Differences
{
    /// <summary>Whether Kestrel judges a request otherwise than the RFCs and the loop, before anybody else can: then only the paths
    /// behind it are the same.</summary>
    public static bool AreKestrelsOwn(Case played) => CapitalScheme().IsMatch(played.Request)
        || OddHost().IsMatch(played.Host)
        || (AbsoluteForm().IsMatch(played.Request) && BadHost().IsMatch(played.Host))
        || NoLength().IsMatch(played.Request);

    /// <summary>What is left of an outcome when the differences are taken out of it.</summary>
    public static Outcome Without(Case played, Outcome outcome) => outcome with
    {
        // A body that turns out to be broken may do so before or after its head is on its way to the node.
        Received = outcome.Received is { } received && !outcome.Answered.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal)
            ? NoBodyLength().Replace(UsualPort().Replace(Trailer().Replace(WithoutNamed(played, received), ""), ""), "") : null,
        Answered = KeepAlive().Replace(Reason().Replace(outcome.Answered, ""), "connection: ") switch
        {
            // How much of a broken response gets through, or whether it can still be a 502, is a matter of time. So are the words.
            var response when response.EndsWith("(breaks off)", StringComparison.Ordinal) => "(no response)",
            var response when response.StartsWith("HTTP/1.1 502", StringComparison.Ordinal) => "(no response)",
            // Kestrel refuses without a word what it cannot read, and with 405 a target that only another method may have. Of several
            // faults any may be told.
            var response when Refusal().IsMatch(response) => "HTTP/1.1 400",
            // Whether the rest of a body that nobody wants is read, or the connection ends, is everybody's own business.
            var response when played.IsEarly => WithoutEmptyFraming(Close().Replace(response, "")),
            var response => WithoutEmptyFraming(response),
        },
    };

    // An empty body that came in chunks is said to be empty if the head could wait for its end: an HTTP/1.0 client's connection goes on then.
    private static string WithoutEmptyFraming(string response) =>
        response.EndsWith("\n\n\n", StringComparison.Ordinal) ? EmptyFraming().Replace(response, "") : response;

    // Kestrel forgets the names in Connection where another line of it says "keep-alive" or "upgrade" and nothing else.
    private static string WithoutNamed(Case played, string received) =>
        OneOption().IsMatch(played.Request) ? Named().Replace(received, "") : received;

    [GeneratedRegex(@"\nConnection: (keep-alive|Upgrade)\r\n")]
    private static partial Regex OneOption();

    // Schemes are written in any case (RFC 9110, section 4.2.3). Kestrel knows them in small letters only.
    [GeneratedRegex(@"^\S+ HTTPS?://")]
    private static partial Regex CapitalScheme();

    // Kestrel refuses these in Host, which may be in a name (RFC 3986, section 3.2.2).
    [GeneratedRegex("[,%]")]
    private static partial Regex OddHost();

    // A bad Host is refused even where the target overrides it (RFC 9112, section 3.2). Kestrel has forgotten it by then.
    [GeneratedRegex(@"^\S+ https?://")]
    private static partial Regex AbsoluteForm();

    [GeneratedRegex(@"[ /@]|\[[^\]]*$|:[^]]*[a-z]|:99999")]
    private static partial Regex BadHost();

    // A body without a length is empty (RFC 9112, section 6.3). Kestrel wants one to be said in HTTP/1.0, as RFC 1945 had it.
    [GeneratedRegex(@"^(POST|PUT) \S+ HTTP/1\.0\r\n(?!.*(Content-Length|Transfer-Encoding): )", RegexOptions.Singleline)]
    private static partial Regex NoLength();

    [GeneratedRegex(@"\nx-named: [^\n]*")]
    private static partial Regex Named();

    // Behind Kestrel trailers of a request are dropped, so none are announced.
    [GeneratedRegex(@"\ntrailer: [^\n]*")]
    private static partial Regex Trailer();

    // "a.example:" and "a.example:80" are "a.example" (RFC 3986, section 6.2.3), which is what Kestrel must be told, or makes of it.
    [GeneratedRegex(@"(?<=\n((x-forwarded-)?host: |forwarded: [^\n]*host=""?)[^\n;""]*):(80)?(?=\n|"")")]
    private static partial Regex UsualPort();

    // A reason means nothing (RFC 9112, section 4). Kestrel writes it in ASCII, and one of its own where there is none.
    [GeneratedRegex(@"(?<=^HTTP/1\.1 [0-9]{3})[^\n]*")]
    private static partial Regex Reason();

    [GeneratedRegex(@"^HTTP/1\.1 (400|501|405\nallow: )")]
    private static partial Regex Refusal();

    [GeneratedRegex(@"\nconnection: close(?=\n)")]
    private static partial Regex Close();

    // Behind Kestrel "keep-alive" stands beside "Upgrade", where it means nothing in HTTP/1.1.
    [GeneratedRegex(@"(?<=\n)connection: keep-alive, ")]
    private static partial Regex KeepAlive();

    // Nobody needs it, and HttpClient and the loop say so where the others do not: for "get", too, which is another method.
    [GeneratedRegex(@"(?<=^(?i:GET|HEAD|OPTIONS|DELETE|TRACE) .*)\ncontent-length: 0(?=\n)", RegexOptions.Singleline)]
    private static partial Regex NoBodyLength();

    [GeneratedRegex(@"\n(content-length: 0|transfer-encoding: chunked|connection: keep-alive|connection: close)(?=\n)")]
    private static partial Regex EmptyFraming();
}
