namespace Kiro.Cluster.Output;

/// <summary>Where the runner's lines and those of its nodes go. Safe for use by many at the same time.</summary>
internal interface IRunnerOutput
{
    /// <summary>A line of a node's own output.</summary>
    void Line(string name, string text);

    /// <summary>A line of the runner's.</summary>
    void Say(string text);

    /// <summary>Several lines without a prefix, to be copied from.</summary>
    void Block(IEnumerable<string> lines);
}
