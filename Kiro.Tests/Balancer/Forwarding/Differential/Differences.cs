using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>In what the paths may differ, and why. Everything else must be the same.</summary>
internal static partial class Differences
{
    /// <summary>What is left of an outcome when the differences are taken out of it.</summary>
    public static Outcome Without(Case played, Outcome outcome) => outcome with
    {
        // A body that turns out to be broken may do so before or after its head is on its way to the node.
        Received = outcome.Received is { } received && !outcome.Answered.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal)
            ? NoBodyLength().Replace(EmptyPort().Replace(WithoutNamed(played, received), ""), "") : null,
        Answered = KeepAlive().Replace(Reason().Replace(outcome.Answered, ""), "connection: ") switch
        {
            // How much of a broken response gets through, or whether it can still be a 502, is a matter of time. So are the words.
            var response when response.EndsWith("(breaks off)", StringComparison.Ordinal) => "(no response)",
            var response when response.StartsWith("HTTP/1.1 502", StringComparison.Ordinal) => "(no response)",
            // Kestrel refuses without a word what it cannot read.
            var response when response.StartsWith("HTTP/1.1 400", StringComparison.Ordinal) => response.Split('\n')[0],
            // An empty body that came in chunks is said to be empty if the head could wait for its end.
            var response when response.EndsWith("\n\n", StringComparison.Ordinal) => EmptyFraming().Replace(response, ""),
            var response => response,
        },
    };

    // Kestrel forgets the names in Connection where another line of it says "keep-alive" and nothing else.
    private static string WithoutNamed(Case played, string received) =>
        played.Request.Contains("Connection: keep-alive\r\n", StringComparison.Ordinal) ? Named().Replace(received, "") : received;

    [GeneratedRegex(@"\nx-named: [^\n]*")]
    private static partial Regex Named();

    // "a.example:" is "a.example" (RFC 3986, section 6.2.3), which is what Kestrel must be told.
    [GeneratedRegex(@"(?<=\n(x-forwarded-)?host: [^\n]*):(?=\n)")]
    private static partial Regex EmptyPort();

    // A reason means nothing (RFC 9112, section 4). Kestrel writes it in ASCII, and one of its own where there is none.
    [GeneratedRegex(@"(?<=^HTTP/1\.1 [0-9]{3})[^\n]*")]
    private static partial Regex Reason();

    // Behind Kestrel "keep-alive" stands beside "Upgrade", where it means nothing in HTTP/1.1.
    [GeneratedRegex(@"(?<=\n)connection: keep-alive, ")]
    private static partial Regex KeepAlive();

    // Nobody needs it, and HttpClient and the loop say so where the others do not: for "get", too, which is another method.
    [GeneratedRegex(@"(?<=^(?i:GET|HEAD|OPTIONS|DELETE|TRACE) .*)\ncontent-length: 0(?=\n)", RegexOptions.Singleline)]
    private static partial Regex NoBodyLength();

    [GeneratedRegex(@"\n(content-length: 0|transfer-encoding: chunked)(?=\n)")]
    private static partial Regex EmptyFraming();
}
