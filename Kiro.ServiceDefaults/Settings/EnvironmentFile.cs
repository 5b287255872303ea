using System.Text.RegularExpressions;
using DotNetEnv;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The <c>.env</c> file of the working directory, or of the nearest parent that has one.</summary>
public static partial class EnvironmentFile
{
    private const string Name = ".env";

    private static readonly HashSet<string> Taken = new(StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> Lost = new(StringComparer.OrdinalIgnoreCase);
    private static string? _path;

    /// <summary>Sets the file's variables in this process; a variable that is already set wins over the file.</summary>
    /// <exception cref="InvalidSettingsException">The file is there but cannot be read or understood.</exception>
    public static void Load()
    {
        if (Find() is not { } path)
        {
            return;
        }

        try
        {
            foreach (var (name, value) in Env.NoEnvVars().Load(path))
            {
                Take(name, value);
            }

            _path = path;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingsException([$"{path} cannot be read: {problem.Message.ReplaceLineEndings(" ")}"]);
        }
        catch (Exception problem) when (problem is FormatException || problem.GetType().Name == "ParseException")
        {
            throw new InvalidSettingsException([$"{path}{LineOf(problem.Message)} cannot be understood: expected NAME=value, with the value in quotes when it has spaces or quotes in it."]);
        }
    }

    /// <summary>Whether a variable has its value from the file.</summary>
    public static bool Sets(string name) => Taken.Contains(name);

    /// <summary>A sentence for each variable of the file that is set to something else outside of it.</summary>
    /// <param name="names">Those that matter.</param>
    internal static IEnumerable<string> Overruled(IReadOnlyCollection<string> names) =>
        // The runner gives each of its nodes ports of its own, which is meant.
        Environment.GetEnvironmentVariable(Hosting.StopWithParent.Variable) == "1" ? [] : Lost.Where(names.Contains)
            .Select(name => $"{name} in {_path} is not used: the environment says something else.");

    private static void Take(string name, string value)
    {
        if (Taken.Contains(name))
        {
            return;
        }

        if (Environment.GetEnvironmentVariable(name) is not { } real)
        {
            Environment.SetEnvironmentVariable(name, value);
            Taken.Add(name);
        }
        else if (real != value)
        {
            Lost.Add(name);
        }
    }

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, Name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    private static string LineOf(string message) => Line().Match(message) is { Success: true } match ? $", line {match.Groups[1].Value}," : "";

    [GeneratedRegex(@"[Ll]ine (\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}
