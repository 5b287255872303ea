using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// Reads settings by the names of their environment variables and collects what is wrong with them,
/// so that a start with three mistakes reports three mistakes. An empty value counts as unset.
/// </summary>
public sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];

    private readonly Dictionary<string, KnownSetting> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Every setting that was asked for, whether it is set or not.</summary>
    public IReadOnlyCollection<KnownSetting> Known => _known.Values;

    /// <summary>What is allowed but hardly meant, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>The trimmed value, or null when it is unset or empty.</summary>
    public string? Text(string name)
    {
        _known.TryAdd(name, new KnownSetting(name, null));
        return configuration[name]?.Trim() is { Length: > 0 } value ? value : null;
    }

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
        return configuration[name] is { Length: > 0 } value ? value : null;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>, both included.</summary>
    public int WholeNumber(string name, int fallback, int min, int max)
    {
        _known[name] = new KnownSetting(name, fallback.ToString(CultureInfo.InvariantCulture));
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        Reject(name, text, $"a whole number from {min} to {max}");
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

    /// <summary>Notes that a value cannot be used. Never call it for a secret: the value is shown.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">What it holds.</param>
    /// <param name="allowed">What it may hold, to follow "expected".</param>
    public void Reject(string name, string value, string allowed) =>
        _problems.Add($"{name}={value} is not valid: expected {allowed}.");

    /// <summary>Notes that a secret cannot be used, without showing it.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="allowed">What it may hold, to follow "expected".</param>
    public void RejectSecret(string name, string allowed) =>
        _problems.Add($"{name} is not valid (its value is not shown): expected {allowed}.");

    /// <summary>Notes that a value is allowed but hardly meant.</summary>
    /// <param name="sentence">What may come of it, and what to do; anybody who may read the status page reads it.</param>
    public void Warn(string sentence) => _warnings.Add(sentence);

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
