namespace Kiro.Tests.Balancer.Forwarding.Differential;

/// <summary>A request of a client, and what the node does with it.</summary>
/// <param name="Request">Head and body, as the client sends them. The head has no line for Host yet, nor an end.</param>
/// <param name="Body">With its framing, behind the head.</param>
/// <param name="Answer">What the node writes, in these pieces.</param>
/// <param name="Closes">Whether it closes then.</param>
internal sealed record Case(string Request, string Body, string[] Answer, bool Closes)
{
    /// <summary>The client's Host; empty is one, too.</summary>
    public string Host { get; init; } = "a.example";

    /// <summary>The node answers before it reads the body.</summary>
    public bool IsEarly { get; init; }

    /// <summary>Where the client makes a pause in its body.</summary>
    public int BodyCut { get; init; }

    /// <summary>For how long either makes a pause, in milliseconds, so that the pieces arrive as such.</summary>
    public int Pause { get; init; }

    public override string ToString() =>
        $"{Show(Request)}Host: {Host} | {Show(Body)} {(IsEarly ? "early " : "")}=> {string.Join(" / ", Answer.Select(Show))}{(Closes ? " closed" : "")}";

    private static string Show(string text) => text.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
