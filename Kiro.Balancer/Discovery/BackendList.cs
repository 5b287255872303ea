using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>A list of nodes that somebody wrote, as it is read.</summary>
/// <param name="settings">Told what cannot be used.</param>
/// <param name="variable">Which names the list.</param>
/// <param name="value">Its value, for messages.</param>
internal sealed class BackendList(SettingsReader settings, string variable, string value)
{
    private readonly Dictionary<string, BackendEndpoint> _endpoints = [];

    /// <summary>Adds an entry.</summary>
    /// <param name="entry"><c>host:port</c>, <c>host:port*weight</c>, <c>[2001:db8::1]:13004</c>.</param>
    /// <param name="expected">What to say when it is none.</param>
    /// <returns>False when the whole list is rejected.</returns>
    public bool TryAdd(string entry, string expected)
    {
        if (BackendAddress.Parse(entry) is not { } endpoint)
        {
            settings.Reject(variable, value, expected);
            return false;
        }

        if (!_endpoints.TryAdd(endpoint.Id, endpoint))
        {
            settings.Reject(variable, value, $"every node once; {endpoint.Id} is there twice");
            return false;
        }

        return true;
    }

    /// <summary>Ends the list.</summary>
    /// <param name="expected">What to say when it is empty.</param>
    /// <returns>The nodes, or null when there is none.</returns>
    public IReadOnlyList<BackendEndpoint>? End(string expected)
    {
        if (_endpoints.Count == 0)
        {
            settings.Reject(variable, value, expected);
            return null;
        }

        // Other names are told apart by what their nodes call themselves, once they answer.
        foreach (var same in _endpoints.Values.Where(IsThisMachine).GroupBy(endpoint => endpoint.Port).Where(group => group.Count() > 1))
        {
            settings.Warn($"{variable} names one node twice: {string.Join(" and ", same.Select(endpoint => endpoint.Id))} are the same port of this machine.");
        }

        return [.. _endpoints.Values];
    }

    // The other addresses of 127.0.0.0/8 may well be nodes of their own.
    internal static bool IsThisMachine(BackendEndpoint endpoint) =>
        endpoint.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(endpoint.Host, out var address) && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback)));
}

/// <summary>The list <c>BACKEND_HOSTS</c>: <c>host:port,host:port*weight,[2001:db8::1]:13004,https://host:port</c>.</summary>
internal static class BackendHosts
{
    private const string Variable = "BACKEND_HOSTS";

    /// <returns>The nodes, or null when the variable is unset or cannot be used.</returns>
    public static IReadOnlyList<BackendEndpoint>? Read(SettingsReader settings)
    {
        if (settings.Text(Variable) is not { } text)
        {
            return null;
        }

        var list = new BackendList(settings, Variable, text);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!list.TryAdd(part, $"{BackendAddress.Expected}, separated by commas; {part} is not"))
            {
                return null;
            }
        }

        return list.End("at least one host:port");
    }
}

/// <summary>
/// The file <c>BACKEND_FILE</c>: one <c>host:port</c> or <c>host:port*weight</c> a line; what follows a <c>#</c> is a comment.
/// It is part of the settings, and a changed one is taken while the balancer runs. A list that cannot be used, or is empty,
/// changes nothing: whoever writes the file may be in the middle.
/// </summary>
internal static class BackendFile
{
    private const string Variable = "BACKEND_FILE";
    private const int MaxBytes = 1024 * 1024;
    private const int MaxShown = 100;

    /// <returns>The nodes, or null when the variable is unset or cannot be used.</returns>
    public static IReadOnlyList<BackendEndpoint>? Read(SettingsReader settings)
    {
        if (settings.FileText(Variable, MaxBytes, "a readable file") is not { } text)
        {
            return null;
        }

        var list = new BackendList(settings, Variable, settings.Text(Variable)!);
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            var end = line.IndexOf('#');
            var node = (end < 0 ? line : line[..end]).Trim().ToString();
            if (node.Length > 0 && !list.TryAdd(node, $"{BackendAddress.Expected}, on each line; line {number}, {Shown(node)}, is not"))
            {
                return null;
            }
        }

        return list.End("a file with at least one host:port");
    }

    // It may be any file, and what is said of it goes to a terminal.
    private static string Shown(string node)
    {
        var text = string.Concat(node.Select(c => char.IsControl(c) ? '?' : c));
        return text.Length > MaxShown ? string.Concat(text.AsSpan(0, MaxShown), "…") : text;
    }
}
