using System.Text.RegularExpressions;
using DotNetEnv;

namespace Kiro.ServiceDefaults.Settings;

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
