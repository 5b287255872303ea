namespace Kiro.ServiceDefaults.Settings;

/// <summary>The settings generation in force, and the result of the last reload.</summary>
public sealed record ReloadStatus
{
    /// <summary>1 at the start; incremented by every reload that changed something.</summary>
    public required int Generation { get; init; }

    /// <summary>When this generation was applied.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>The variables whose value, or the content of the file they name, differs from the previous generation.</summary>
    public IReadOnlyList<string> Changed { get; init; } = [];

    /// <summary>The changed variables that need a restart.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];

    /// <summary>Why the last reload was rejected, one line per invalid value; empty if it was applied.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>What an operator should fix, one sentence each.</summary>
    public IEnumerable<string> Warnings =>
    [
        .. Problems.Select(problem => $"New settings were rejected, the previous ones stay in force: {problem}"),
        .. Pending.Select(PendingWarning),
    ];

    internal static string PendingWarning(string name) =>
        $"{name} was changed but cannot be reloaded: the previous value stays in force until a restart or a takeover.";
}
