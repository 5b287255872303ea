using System.Globalization;
using Kiro.ServiceDefaults.Printing;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reads settings by the names of their environment variables and collects what is wrong with them,
/// so that a start with three mistakes reports three mistakes. An empty value counts as unset.
/// </summary>
/// <param name="configuration">Where they come from.</param>
/// <param name="before">Where those come from that keep their values.</param>
/// <param name="kept">Their names.</param>
public sealed class SettingsReader(IConfiguration configuration, SettingsReader? before, IReadOnlyCollection<string> kept)
{
    /// <summary>Characters of a value, and of what is said about it, that a line about it shows.</summary>
    private const int MaxShown = 400;

    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];

    private readonly Dictionary<string, KnownSetting> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, WatchedFile> _files = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="configuration">Where the settings come from.</param>
    public SettingsReader(IConfiguration configuration)
        : this(configuration, null, [])
    {
    }

    /// <summary>Every setting that was asked for, whether it is set or not.</summary>
    public IReadOnlyCollection<KnownSetting> Known => _known.Values;

    /// <summary>What is allowed but hardly meant, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>The files that settings were read from, whether they could be or not.</summary>
    public IReadOnlyCollection<WatchedFile> Files => _files.Values;

    /// <summary>The names of the settings that have another value, or another content of the file that they name.</summary>
    /// <param name="earlier">Read before.</param>
    public IEnumerable<string> ChangedSince(SettingsReader earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return _values.Keys.Union(earlier._values.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(name => _values.GetValueOrDefault(name) != earlier._values.GetValueOrDefault(name)
                || _files.GetValueOrDefault(name) != earlier._files.GetValueOrDefault(name))
            .Order(StringComparer.Ordinal);
    }

    /// <summary>The trimmed value, or null when it is unset or empty.</summary>
    public string? Text(string name)
    {
        _known.TryAdd(name, new KnownSetting(name, null));
        return Value(name)?.Trim() is { Length: > 0 } value ? value : null;
    }

    /// <summary>The text of the file that a variable names. It is part of the settings: when it changes, they are read again.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="maxBytes">The largest file that is read.</param>
    /// <param name="what">What it is, to follow "expected": "a readable HTML file".</param>
    /// <returns>Null when the variable is unset, or was rejected.</returns>
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

    /// <summary>The value as it stands in the configuration, or as it was, when it is kept.</summary>
    internal string? Value(string name) =>
        _values[name] = kept.Contains(name, StringComparer.OrdinalIgnoreCase) ? before!._values.GetValueOrDefault(name) : configuration[name];

    /// <summary>The trimmed value, or <paramref name="fallback"/> when it is unset or empty.</summary>
    public string Text(string name, string fallback)
    {
        _known[name] = new KnownSetting(name, fallback);
        return Text(name) ?? fallback;
    }

    /// <summary>The value as it is, or null when it is unset or empty: a space at the end of a password belongs to it.</summary>
    public string? Secret(string name)
    {
        _known.TryAdd(name, new KnownSetting(name, null));
        return Value(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
    public int WholeNumber(string name, int fallback, int min, int max) => (int)WholeNumber(name, (long)fallback, min, max);

    /// <summary>The same of larger numbers.</summary>
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

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>, both included, with a point as decimal separator.</summary>
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

    /// <summary>Notes that a value cannot be used. Never call it for a secret: the value is shown.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">What it holds.</param>
    /// <param name="allowed">What it may hold, to follow "expected".</param>
    public void Reject(string name, string value, string allowed) =>
        _problems.Add($"{name}={Shown(value)}{Place(name)} is not valid: expected {Shown(allowed)}.");

    /// <summary>Notes that a secret cannot be used, without showing it.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="allowed">What it may hold, to follow "expected".</param>
    public void RejectSecret(string name, string allowed) =>
        _problems.Add($"{name}{Place(name)} is not valid (its value is not shown): expected {allowed}.");

    /// <summary>Notes that a value is allowed but hardly meant.</summary>
    /// <param name="sentence">What may come of it, and what to do; anybody who may read the status page reads it.</param>
    public void Warn(string sentence) => _warnings.Add(sentence);

    // A value that is kept is not what the file says now.
    private string Place(string name) =>
        !kept.Contains(name, StringComparer.OrdinalIgnoreCase) && SettingSource.FileOf(name, configuration) is { } file ? $" in {file}," : "";

    // The line stays one, and can be read: who gave 5,000 characters knows the rest.
    private static string Shown(string text) => PrintableText.Of(text.Length <= MaxShown ? text : $"{text[..MaxShown]}…");

    /// <summary>Ends the reading.</summary>
    /// <exception cref="InvalidSettingsException">At least one value was rejected.</exception>
    public void ThrowIfInvalid()
    {
        if (_problems.Count > 0)
        {
            throw new InvalidSettingsException(_problems);
        }
    }
}

/// <summary>A setting that a program asks for.</summary>
/// <param name="Name">As configuration spells it.</param>
/// <param name="Default">Null when it has none.</param>
public sealed record KnownSetting(string Name, string? Default);
