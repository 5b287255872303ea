using System.Text.RegularExpressions;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>In what the two paths may differ, and why. Everything else must be the same.</summary>
internal static partial class Differences
{
    /// <summary>What is left of an outcome when the differences are taken out of it.</summary>
    public static Outcome Without(Outcome outcome) => outcome with
    {
        // A body that turns out to be broken may do so before or after its head is on its way to the node.
        Received = outcome.Received is { } received && !outcome.Answered.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal)
            ? NoBodyLength().Replace(received, "") : null,
        Answered = outcome.Answered switch
        {
            // How much of a broken response gets through, or whether it can still be a 502, is a matter of time. So are the words.
            _ when outcome.Answered.EndsWith("(breaks off)", StringComparison.Ordinal) => "(no response)",
            _ when outcome.Answered.StartsWith("HTTP/1.1 502 ", StringComparison.Ordinal) => "(no response)",
            // An empty body that came in chunks is said to be empty if the head could wait for its end.
            _ when outcome.Answered.EndsWith("\n\n", StringComparison.Ordinal) => EmptyFraming().Replace(outcome.Answered, ""),
            _ => outcome.Answered,
        },
    };

    // HttpClient says so when a request without a body has a field that is about a body.
    [GeneratedRegex(@"(?<=^(GET|HEAD|OPTIONS|DELETE|TRACE) .*)\ncontent-length: 0(?=\n)", RegexOptions.Singleline)]
    private static partial Regex NoBodyLength();

    [GeneratedRegex(@"\n(content-length: 0|transfer-encoding: chunked)(?=\n)")]
    private static partial Regex EmptyFraming();
}
