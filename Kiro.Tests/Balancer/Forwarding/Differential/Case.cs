namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>A client's request, and what the node does with it.</summary>
/// <param name="Request">The head without Host and without its end.</param>
/// <param name="Body">The framed body.</param>
/// <param name="Answer">The response, in the pieces in which the node writes it.</param>
/// <param name="Closes">Whether the node closes afterwards.</param>
internal sealed record Case(string Request, string Body, string[] Answer, bool Closes)
{
    /// <summary>The client's Host, which may be empty.</summary>
    public string Host { get; init; } = "a.example";

    /// <summary>Whether the node responds before it reads the body.</summary>
    public bool IsEarly { get; init; }

    /// <summary>Where the client pauses within its body.</summary>
    public int BodyCut { get; init; }

    /// <summary>Length of the pauses of either side in milliseconds, so that the pieces arrive separately.</summary>
    public int Pause { get; init; }

    public override string ToString() =>
        $"{Show(Request)}Host: {Host} | {Show(Body)} {(IsEarly ? "early " : "")}=> {string.Join(" / ", Answer.Select(Show))}{(Closes ? " closed" : "")}";

    private static string Show(string text) => text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
