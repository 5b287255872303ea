using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost.Settings;

/// <summary>Reports invalid settings as lines on the terminal instead of a stack trace.</summary>
internal static class InvalidSettings
{
    /// <summary>The result; null after an invalid value, which has been reported.</summary>
    public static T? Report<T>(Func<T> read)
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
