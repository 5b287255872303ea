using System.Text.RegularExpressions;
using DotNetEnv;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The <c>.env</c> file of the working directory, or of the nearest parent that has one.</summary>
public static partial class EnvironmentFile
{
    private const string Name = ".env";

    private static readonly HashSet<string> Set = new(StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> Lost = new(StringComparer.OrdinalIgnoreCase);
    private static bool _isLoaded;

    /// <summary>The file whose variables are set; null when there is none.</summary>
    internal static WatchedFile? Taken { get; private set; }

    /// <summary>Sets the file's variables in this process; a variable that is already set wins over the file.</summary>
    /// <exception cref="InvalidSettingsException">The file is there but cannot be read or understood.</exception>
    public static void Load()
    {
        _isLoaded = true;
        Take(Read());
    }

    /// <summary>Whether a variable has its value from the file.</summary>
    public static bool Sets(string name) => Set.Contains(name);

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

        var before = (Taken, Set.ToDictionary(name => name, name => Environment.GetEnvironmentVariable(name) ?? ""));
        var now = ReadOrRemember();
        Take(now);
        Show(configuration);
        return () =>
        {
            Take(before);
            // It was tried, if in vain.
            Taken = now.File;
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

    /// <summary>A sentence for each variable of the file that is set to something else outside of it.</summary>
    /// <param name="names">Those that matter.</param>
    internal static IEnumerable<string> Overruled(IReadOnlyCollection<string> names) =>
        // The runner gives each of its nodes ports of its own, which is meant.
        Environment.GetEnvironmentVariable(Hosting.StopWithParent.Variable) == "1" ? [] : Lost.Where(names.Contains)
            .Select(name => $"{name} in {Taken?.Path} is not used: the environment says something else.");

    private static (WatchedFile? File, Dictionary<string, string> Variables) ReadOrRemember()
    {
        try
        {
            return Read();
        }
        catch (InvalidSettingsException) when (Find() is { } path)
        {
            Taken = WatchedFile.Read(path).File;
            throw;
        }
    }

    private static (WatchedFile? File, Dictionary<string, string> Variables) Read()
    {
        var variables = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (Find() is not { } path)
        {
            return (null, variables);
        }

        var (file, content) = WatchedFile.Read(path);
        if (content is null)
        {
            throw new InvalidSettingsException([$"{path} cannot be read."]);
        }

        try
        {
            using var reader = new StreamReader(new MemoryStream(content));
            foreach (var (name, value) in Env.LoadContents(reader.ReadToEnd(), Env.NoEnvVars()))
            {
                variables.TryAdd(name, value);
            }
        }
        catch (Exception problem) when (problem is FormatException || problem.GetType().Name == "ParseException")
        {
            throw new InvalidSettingsException([$"{path}{LineOf(problem.Message)} cannot be understood: expected NAME=value, with the value in quotes when it has spaces or quotes in it."]);
        }

        return (file, variables);
    }

    private static void Take((WatchedFile? File, Dictionary<string, string> Variables) read)
    {
        Taken = read.File;
        Lost.Clear();
        foreach (var name in Set.Where(name => !read.Variables.ContainsKey(name)).ToList())
        {
            Environment.SetEnvironmentVariable(name, null);
            Set.Remove(name);
        }

        foreach (var (name, value) in read.Variables)
        {
            if (Set.Contains(name) || Environment.GetEnvironmentVariable(name) is not { } real)
            {
                Environment.SetEnvironmentVariable(name, value);
                Set.Add(name);
            }
            else if (real != value)
            {
                Lost.Add(name);
            }
        }
    }

    // Loads the variables anew and tells nobody: whoever follows the configuration by itself takes part in no reload.
    private static void Show(IConfiguration configuration)
    {
        foreach (var provider in ((IConfigurationRoot)configuration).Providers.OfType<EnvironmentVariablesConfigurationProvider>())
        {
            provider.Load();
        }
    }

    private static string LineOf(string message) => Line().Match(message) is { Success: true } match ? $", line {match.Groups[1].Value}," : "";

    [GeneratedRegex(@"[Ll]ine (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}
