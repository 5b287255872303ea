namespace Kiro.ServiceDefaults.Hosting;

/// <summary>The service cannot start, for a reason that is for its user to mend.</summary>
public sealed class StartRefusedException(IReadOnlyList<string> lines) : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>What is wrong, ready to be shown.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}
