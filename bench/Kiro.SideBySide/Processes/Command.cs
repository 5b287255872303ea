namespace Kiro.SideBySide.Processes;

/// <summary>A program to be started.</summary>
internal sealed record Command(string Program, params IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();
}
