namespace Kiro.ServiceDefaults.Settings;

/// <summary>Which settings are in force since when, and what of the last reload is not.</summary>
public sealed record ReloadStatus
{
    /// <summary>Counts from 1, the start; one more with every reload that changed something.</summary>
    public required int Generation { get; init; }

    /// <summary>When this generation was taken.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>The variables that differ from the generation before, by name; of a file its content may.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>The variables that were set to something else, but cannot change while the program runs.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];

    /// <summary>Why the last reload was refused, one line for each value that cannot be used; empty when it was taken.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>A sentence for each thing that somebody should mend.</summary>
    public IEnumerable<string> Warnings =>
    [
        .. Problems.Select(problem => $"New settings were rejected, the previous ones stay in force: {problem}"),
        .. Pending.Select(PendingWarning),
    ];

    internal static string PendingWarning(string name) =>
        $"{name} was changed, but cannot change while the program runs: the value before stays in force until a restart or a takeover.";
}
