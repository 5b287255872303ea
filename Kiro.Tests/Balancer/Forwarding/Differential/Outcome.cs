using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>The outcome of a case: at the node, at the client, and in the counters.</summary>
/// <param name="Received">The first request that reached the node, with sorted fields; null if none did.</param>
/// <param name="Answered">The client's response, with sorted fields.</param>
/// <param name="Failures">The failures counted for the node.</param>
internal sealed record Outcome(string? Received, string Answered, long Failures)
{
    public static string Of(string head, string body) => $"{RawHead.StartLine(head)}{Fields(head)}\n\n{body}";

    public static string Of(RawResponse answer) =>
        $"{Of(answer.Head, answer.Body)}\n{answer.Trailers}{(answer.IsComplete ? "" : "\n(breaks off)")}";

    // The order of fields, the case of their names and the joining of lines have no meaning.
    private static string Fields(string head) => string.Concat(head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1)
        .Select(line => line.Split(':', 2))
        .GroupBy(parts => parts[0].ToLowerInvariant(), parts => parts.Length > 1 ? parts[1].Trim(' ') : "")
        .Where(field => field.Key is not ("date" or "cdn-loop"))
        .OrderBy(field => field.Key, StringComparer.Ordinal)
        .Select(field => $"\n{field.Key}: {string.Join(field.Key switch { "cookie" => "; ", "user-agent" => " ", _ => ", " }, field).TrimEnd(' ')}"));
}

/// <summary>The outcome of a case on each path.</summary>
internal sealed record Outcomes(Outcome Loop, Outcome Lean, Outcome Yarp)
{
    public bool AreSame => Loop == Lean && Lean == Yarp;

    public Outcomes Select(Func<Outcome, Outcome> of) => new(of(Loop), of(Lean), of(Yarp));

    public override string ToString() => $"loop: {Loop}\nlean: {Lean}\nyarp: {Yarp}";
}
