namespace Kiro.ServiceDefaults.Settings;

/// <summary>One or more settings are invalid. Each line names the variable, its value and what is allowed.</summary>
public sealed class InvalidSettingsException(IReadOnlyList<string> lines)
    : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>One line per setting, ready to be shown to the user.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}
