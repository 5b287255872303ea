using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The <c>.env</c> file of the working directory, or of the nearest parent that has one.</summary>
public static class EnvironmentFile
{
    private const string Name = ".env";

    private static readonly HashSet<string> Set = new(StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> Lost = new(StringComparer.OrdinalIgnoreCase);
    private static EnvironmentFileContent _content = EnvironmentFileContent.None;
    private static bool _isLoaded;

    /// <summary>The file whose variables are set; null when there is none.</summary>
    internal static WatchedFile? Taken => _content.File;

    /// <summary>Sets the file's variables in this process; a variable that is already set wins over the file.</summary>
    /// <exception cref="InvalidSettingsException">The file is there but cannot be read or understood.</exception>
    public static void Load()
    {
        _isLoaded = true;
        Take(Read());
    }

    /// <summary>Where the file sets a variable, as <c>/etc/kiro/.env, line 3</c>; null when its value is not from the file.</summary>
    public static string? PlaceOf(string name) => Set.Contains(name) ? _content.PlaceOf(name) : null;

    /// <summary>Takes the file as it is now, in a program that began with <see cref="Load"/>.</summary>
    /// <param name="configuration">Sees the variables afterwards.</param>
    /// <returns>What puts everything back as it was.</returns>
    /// <exception cref="InvalidSettingsException">The file is there but cannot be read or understood; nothing has changed.</exception>
    internal static Action Reload(IConfiguration configuration)
    {
        if (!_isLoaded)
        {
            return () => { };
        }

        var before = _content;
        var now = ReadOrRemember();
        Take(now);
        Show(configuration);
        return () =>
        {
            // It was tried, if in vain.
            Take(before with { File = now.File });
            Show(configuration);
        };
    }

    /// <summary>The file of this moment; null when there is none, or none was asked for.</summary>
    internal static string? Find()
    {
        for (var folder = _isLoaded ? new DirectoryInfo(Directory.GetCurrentDirectory()) : null; folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, Name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>Whether a path is the file's.</summary>
    internal static bool IsIt(string path) => path == Taken?.Path;

    /// <summary>A sentence for each variable of the file that is set to something else outside of it, or hardly meant as it stands.</summary>
    /// <param name="names">Those that matter.</param>
    internal static IEnumerable<string> Warnings(IReadOnlyCollection<string> names) =>
        // The runner gives each of its nodes ports of its own, which is meant.
        Environment.GetEnvironmentVariable(Hosting.StopWithParent.Variable) == "1" ? [] : Lost.Where(names.Contains)
            .Select(name => $"{name} in {Taken?.Path} is not used: the environment says something else.")
            .Concat(_content.Variables.Where(variable => names.Contains(variable.Key) && Set.Contains(variable.Key))
                .SelectMany(variable => variable.Value.Warnings.Select(warning => $"{variable.Key} in {_content.PlaceOf(variable.Key)}, {warning}")));

    private static EnvironmentFileContent ReadOrRemember()
    {
        try
        {
            return Read();
        }
        catch (InvalidSettingsException) when (Find() is { } path)
        {
            _content = _content with { File = WatchedFile.Read(path).File };
            throw;
        }
    }

    private static EnvironmentFileContent Read() => Find() is { } path ? EnvironmentFileContent.Read(path) : EnvironmentFileContent.None;

    private static void Take(EnvironmentFileContent content)
    {
        _content = content;
        Lost.Clear();
        foreach (var name in Set.Where(name => !content.Variables.ContainsKey(name)).ToList())
        {
            Environment.SetEnvironmentVariable(name, null);
            Set.Remove(name);
        }

        var given = Given();
        foreach (var (name, variable) in content.Variables)
        {
            if (Set.Contains(name) || !given.TryGetValue(name, out var real))
            {
                Environment.SetEnvironmentVariable(name, variable.Value);
                Set.Add(name);
            }
            else if (real != variable.Value)
            {
                Lost.Add(name);
            }
        }
    }

    // Settings are read in any case of letters, so HEALTH_FALL of the environment wins over health_fall of the file, too.
    private static Dictionary<string, string?> Given()
    {
        var given = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (System.Collections.DictionaryEntry pair in Environment.GetEnvironmentVariables())
        {
            given[(string)pair.Key] = (string?)pair.Value;
        }

        return given;
    }

    // Loads the variables anew and tells nobody: whoever follows the configuration by itself takes part in no reload.
    private static void Show(IConfiguration configuration)
    {
        foreach (var provider in ((IConfigurationRoot)configuration).Providers.OfType<EnvironmentVariablesConfigurationProvider>())
        {
            provider.Load();
        }
    }
}
