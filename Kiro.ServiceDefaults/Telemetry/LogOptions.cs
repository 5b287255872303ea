using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>How the log is written.</summary>
/// <param name="IsJson"><c>LOG_FORMAT</c>: <c>text</c> (the default), a line for people, or <c>json</c>, one object a line.</param>
public sealed record LogOptions(bool IsJson)
{
    private const string Variable = "LOG_FORMAT";

    /// <summary>Reads the variable.</summary>
    public static LogOptions Read(SettingsReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var format = settings.Text(Variable, "text");
        if (format is not ("text" or "json"))
        {
            settings.Reject(Variable, format, "text or json");
        }

        return new LogOptions(format == "json");
    }
}
