using System.Text.RegularExpressions;
using DotNetEnv;
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

    /// <summary>The loaded file; null if there is none.</summary>
    internal static WatchedFile? Taken => _content.File;

    /// <summary>Sets the file's variables in this process; variables that are already set override the file.</summary>
    /// <exception cref="InvalidSettingsException">The file exists but cannot be read or parsed.</exception>
    public static void Load()
    {
        _isLoaded = true;
        Take(Read());
    }

    /// <summary>Where the file sets a variable, such as <c>/etc/kiro/.env, line 3</c>; null if its value is not from the file.</summary>
    public static string? PlaceOf(string name) => Set.Contains(name) ? _content.PlaceOf(name) : null;

    /// <summary>Reloads the file, in a program that started with <see cref="Load"/>.</summary>
    /// <param name="configuration">Gets the new variables.</param>
    /// <returns>An action that undoes the reload.</returns>
    /// <exception cref="InvalidSettingsException">The file exists but cannot be read or parsed; nothing has changed.</exception>
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
            // Remember the failed attempt.
            Take(before with { File = now.File });
            Show(configuration);
        };
    }

    /// <summary>The current file; null if there is none, or none is wanted.</summary>
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

    /// <summary>Whether a path is that of the file.</summary>
    internal static bool IsIt(string path) => path == Taken?.Path;

    /// <summary>A warning for each variable of the file that is overridden by the environment, or suspicious.</summary>
    /// <param name="names">The variables to check.</param>
    internal static IEnumerable<string> Warnings(IReadOnlyCollection<string> names) =>
        // The runner intentionally overrides the ports of its nodes.
        Environment.GetEnvironmentVariable(Hosting.StopWithParent.Variable) == "1" ? [] : Lost.Where(names.Contains)
            .Select(name => $"{name} in {Taken?.Path} is overridden by the environment.")
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

    // Settings are case-insensitive, so HEALTH_FALL in the environment overrides health_fall in the file, too.
    private static Dictionary<string, string?> Given()
    {
        var given = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (System.Collections.DictionaryEntry pair in Environment.GetEnvironmentVariables())
        {
            given[(string)pair.Key] = (string?)pair.Value;
        }

        return given;
    }

    // Reloads the variables without raising change tokens: components that watch the configuration themselves are not part of a reload.
    private static void Show(IConfiguration configuration)
    {
        foreach (var provider in ((IConfigurationRoot)configuration).Providers.OfType<EnvironmentVariablesConfigurationProvider>())
        {
            provider.Load();
        }
    }
}

/// <summary>The content of a <c>.env</c> file.</summary>
/// <param name="File">Null if there is none.</param>
/// <param name="Variables">By name; the last assignment of a name wins, as in shells, Compose and systemd.</param>
internal sealed partial record EnvironmentFileContent(WatchedFile? File, IReadOnlyDictionary<string, FileVariable> Variables)
{
    public static EnvironmentFileContent None { get; } = new(null, new Dictionary<string, FileVariable>());

    /// <summary>The place of a variable.</summary>
    public string? PlaceOf(string name) => !Variables.TryGetValue(name, out var variable) ? null
        : variable.Line is { } line ? $"{File?.Path}, line {line}" : File?.Path;

    /// <exception cref="InvalidSettingsException">It cannot be read or parsed.</exception>
    public static EnvironmentFileContent Read(string path)
    {
        var (file, content) = WatchedFile.Read(path);
        if (content is null)
        {
            throw new InvalidSettingsException([$"{path} cannot be read."]);
        }

        using var reader = new StreamReader(new MemoryStream(content));
        var text = reader.ReadToEnd();
        try
        {
            return new EnvironmentFileContent(file, Parse(text));
        }
        catch (Exception problem) when (problem is FormatException || problem.GetType().Name == "ParseException")
        {
            throw new InvalidSettingsException([$"{path}{LineOf(problem.Message)} cannot be parsed: expected NAME=value, with quotes around values that contain spaces or quotes."]);
        }
    }

    private static Dictionary<string, FileVariable> Parse(string text)
    {
        var variables = new Dictionary<string, FileVariable>(StringComparer.OrdinalIgnoreCase);
        var lines = text.Split('\n');
        var next = 0;
        foreach (var (name, value) in Env.LoadContents(text, Env.NoEnvVars()))
        {
            // The parser does not report line numbers, but returns the variables in file order.
            var line = Array.FindIndex(lines, next, candidate => Assignment().Match(candidate) is { Success: true } match && match.Groups[1].Value == name);
            var warnings = new List<string>();
            if (variables.TryGetValue(name, out var earlier) && earlier.Value != value)
            {
                warnings.Add($"overrides the value in {(earlier.Line is { } above ? $"line {above}" : "an earlier line")}.");
            }

            if (line >= 0)
            {
                warnings.AddRange(Missing(Assignment().Replace(lines[line], "")).Distinct()
                    .Select(missing => $"refers to ${missing}, which is unset and replaced by nothing; use 'single quotes' for a literal dollar sign."));
                next = line + 1;
            }

            variables[name] = new FileVariable(value, line < 0 ? null : line + 1, warnings);
        }

        return variables;
    }

    private static IEnumerable<string> Missing(string value) => value.StartsWith('\'') ? [] : Reference().Matches(Comment().Replace(value, ""))
        .Select(reference => reference.Groups[1].Value).Where(name => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));

    private static string LineOf(string message) => Line().Match(message) is { Success: true } match ? $", line {match.Groups[1].Value}," : "";

    [GeneratedRegex(@"[Ll]ine (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Line();

    [GeneratedRegex(@"^\s*(?:(?:export|set|SET)\s+)?([\w.-]+)[ \t]*=[ \t]*", RegexOptions.CultureInvariant)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"(?<!\\)\$(?:\{(?=\w+\}))?([A-Za-z_]\w*)", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();

    [GeneratedRegex(@"(^|\s)#.*", RegexOptions.CultureInvariant)]
    private static partial Regex Comment();
}

/// <summary>A variable of the file.</summary>
/// <param name="Value">Without its quotes.</param>
/// <param name="Line">From 1; null if unknown.</param>
/// <param name="Warnings">To follow its name and place.</param>
internal sealed record FileVariable(string Value, int? Line, IReadOnlyList<string> Warnings);
