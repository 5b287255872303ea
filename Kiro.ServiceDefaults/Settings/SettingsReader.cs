using System.Globalization;
using Kiro.ServiceDefaults.Printing;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reads settings by the names of their environment variables and collects errors, so that all of them are reported
/// at once. An empty value counts as unset.
/// </summary>
/// <param name="configuration">The configuration.</param>
/// <param name="before">The reader of the values that are kept.</param>
/// <param name="kept">The names of the kept values.</param>
public sealed class SettingsReader(IConfiguration configuration, SettingsReader? before, IReadOnlyCollection<string> kept)
{
    /// <summary>The maximum length of a value, and of its description, in an error message.</summary>
    private const int MaxShown = 400;

    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];

    private readonly Dictionary<string, KnownSetting> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, WatchedFile> _files = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="configuration">The configuration.</param>
    public SettingsReader(IConfiguration configuration)
        : this(configuration, null, [])
    {
    }

    /// <summary>All settings that were read, whether they are set or not.</summary>
    public IReadOnlyCollection<KnownSetting> Known => _known.Values;

    /// <summary>Valid but suspicious settings, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>The files named by settings, readable or not.</summary>
    public IReadOnlyCollection<WatchedFile> Files => _files.Values;

    /// <summary>The names of the settings whose value, or the content of the file they name, has changed.</summary>
    /// <param name="earlier">The previous reader.</param>
    public IEnumerable<string> ChangedSince(SettingsReader earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return _values.Keys.Union(earlier._values.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(name => _values.GetValueOrDefault(name) != earlier._values.GetValueOrDefault(name)
                || _files.GetValueOrDefault(name) != earlier._files.GetValueOrDefault(name))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>The trimmed value, or null if it is unset or empty.</summary>
    public string? Text(string name)
    {
        _known.TryAdd(name, new KnownSetting(name, null));
        return Value(name)?.Trim() is { Length: > 0 } value ? value : null;
    }

    /// <summary>The text of the file named by a variable. Changes of the file cause a reload.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="maxBytes">The maximum size.</param>
    /// <param name="what">The kind of file, to follow "expected": "a readable HTML file".</param>
    /// <returns>Null if the variable is unset, or was rejected.</returns>
    public string? FileText(string name, int maxBytes, string what)
    {
        if (Text(name) is not { } path)
        {
            return null;
        }

        var (file, content) = WatchedFile.Read(path, maxBytes);
        _files[name] = file;
        if (content is not null)
        {
            using var reader = new StreamReader(new MemoryStream(content));
            return reader.ReadToEnd();
        }

        Reject(name, path, $"{what} of at most {maxBytes / 1024} KB");
        return null;
    }

    /// <summary>The value in the configuration, or the previous one if it is kept.</summary>
    internal string? Value(string name) =>
        _values[name] = kept.Contains(name, StringComparer.OrdinalIgnoreCase) ? before!._values.GetValueOrDefault(name) : configuration[name];

    /// <summary>The trimmed value, or <paramref name="fallback"/> if it is unset or empty.</summary>
    public string Text(string name, string fallback)
    {
        _known[name] = new KnownSetting(name, fallback);
        return Text(name) ?? fallback;
    }

    /// <summary>The untrimmed value, since a password may end with a space; null if it is unset or empty.</summary>
    public string? Secret(string name)
    {
        _known.TryAdd(name, new KnownSetting(name, null));
        return Value(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>, inclusive.</summary>
    public int WholeNumber(string name, int fallback, int min, int max) => (int)WholeNumber(name, (long)fallback, min, max);

    /// <inheritdoc cref="WholeNumber(string, int, int, int)" />
    public long WholeNumber(string name, long fallback, long min, long max)
    {
        _known[name] = new KnownSetting(name, fallback.ToString(CultureInfo.InvariantCulture));
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        Reject(name, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"));
        return fallback;
    }

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>, inclusive, with a decimal point.</summary>
    public double Number(string name, double fallback, double min, double max)
    {
        _known[name] = new KnownSetting(name, fallback.ToString(CultureInfo.InvariantCulture));
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        Reject(name, text, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
        return fallback;
    }

    /// <summary>A duration in seconds; fractions are allowed.</summary>
    public TimeSpan Seconds(string name, double fallback, double min, double max) =>
        TimeSpan.FromSeconds(Number(name, fallback, min, max));

    /// <summary>A TCP port from 1 to 65535.</summary>
    public int Port(string name, int fallback) => WholeNumber(name, fallback, 1, 65535);

    /// <summary><c>on</c> or <c>off</c>.</summary>
    public bool Switch(string name, bool fallback)
    {
        var text = Text(name, fallback ? "on" : "off");
        if (text is not ("on" or "off"))
        {
            Reject(name, text, "on or off");
        }

        return text == "on";
    }

    /// <summary>Reports an invalid value. Not for secrets, because the value is shown.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">Its value.</param>
    /// <param name="allowed">What is allowed, to follow "expected".</param>
    public void Reject(string name, string value, string allowed) =>
        _problems.Add($"{name}={Shown(value)}{Place(name)} is not valid: expected {Shown(allowed)}.");

    /// <summary>Reports an invalid secret, without showing it.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="allowed">What is allowed, to follow "expected".</param>
    public void RejectSecret(string name, string allowed) =>
        _problems.Add($"{name}{Place(name)} is not valid (its value is not shown): expected {allowed}.");

    /// <summary>Reports a valid but suspicious value.</summary>
    /// <param name="sentence">The consequence, and what to do; shown to everyone who can read the status page.</param>
    public void Warn(string sentence) => _warnings.Add(sentence);

    // A kept value is not the one in the file.
    private string Place(string name) =>
        !kept.Contains(name, StringComparer.OrdinalIgnoreCase) && SettingSource.FileOf(name, configuration) is { } file ? $" in {file}," : "";

    // Keeps the message on one line and readable.
    private static string Shown(string text) => PrintableText.Of(text.Length <= MaxShown ? text : $"{text[..MaxShown]}…");

    /// <summary>Throws if there were errors.</summary>
    /// <exception cref="InvalidSettingsException">At least one value was rejected.</exception>
    public void ThrowIfInvalid()
    {
        if (_problems.Count > 0)
        {
            throw new InvalidSettingsException(_problems);
        }
    }
}

/// <summary>A setting that a program reads.</summary>
/// <param name="Name">The configuration key.</param>
/// <param name="Default">Null if it has none.</param>
public sealed record KnownSetting(string Name, string? Default);

/// <summary>One or more settings are invalid. Each line names the variable, its value and what is allowed.</summary>
public sealed class InvalidSettingsException(IReadOnlyList<string> lines)
    : Exception(string.Join(Environment.NewLine, lines))
{
    /// <summary>One line per setting, ready to be shown to the user.</summary>
    public IReadOnlyList<string> Lines { get; } = lines;
}
