using DotNetEnv;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The <c>.env</c> file of the working directory, or of the nearest parent that has one.</summary>
public static class EnvironmentFile
{
    /// <summary>Sets the file's variables in this process; a variable that is already set wins over the file.</summary>
    /// <exception cref="InvalidSettingsException">The file is there but cannot be read or understood.</exception>
    public static void Load()
    {
        try
        {
            Env.NoClobber().TraversePath().Load();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or FormatException
            || problem.GetType().Name == "ParseException")
        {
            throw new InvalidSettingsException([$".env cannot be used: {problem.Message.ReplaceLineEndings(" ")}"]);
        }
    }
}
