using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost.Settings;

/// <summary>A value that cannot be used is a line for the person at the terminal, not a stack trace.</summary>
internal static class InvalidSettings
{
    /// <summary>What was read; null when a value could not be used, which has then been said.</summary>
    public static T? Tell<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidSettingsException invalid)
        {
            foreach (var line in invalid.Lines)
            {
                Console.Error.WriteLine(line);
            }

            return default;
        }
    }
}
