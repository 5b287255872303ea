using System.Globalization;
using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>Collects the entries of a configured list of backends.</summary>
/// <param name="settings">For errors and warnings.</param>
/// <param name="variable">The variable with the list.</param>
/// <param name="value">Its value, for messages.</param>
internal sealed class BackendList(SettingsReader settings, string variable, string value)
{
    private readonly Dictionary<string, BackendEndpoint> _endpoints = [];

    /// <summary>Adds an entry.</summary>
    /// <param name="entry"><c>host:port</c>, <c>host:port*weight</c>, <c>[2001:db8::1]:13004</c>.</param>
    /// <param name="expected">For the error if it is invalid.</param>
    /// <returns>False if the list is rejected.</returns>
    public bool TryAdd(string entry, string expected)
    {
        if (BackendAddress.Parse(entry) is not { } endpoint)
        {
            settings.Reject(variable, value, expected);
            return false;
        }

        if (!_endpoints.TryAdd(endpoint.Id, endpoint))
        {
            settings.Reject(variable, value, $"each node only once; {endpoint.Id} is listed twice");
            return false;
        }

        return true;
    }

    /// <summary>The complete list.</summary>
    /// <param name="expected">For the error if it is empty.</param>
    /// <returns>Null if it is empty.</returns>
    public IReadOnlyList<BackendEndpoint>? Complete(string expected)
    {
        if (_endpoints.Count == 0)
        {
            settings.Reject(variable, value, expected);
            return null;
        }

        // Other duplicates are found by the name in their health responses.
        foreach (var same in _endpoints.Values.Where(IsThisMachine).GroupBy(endpoint => endpoint.Port).Where(group => group.Count() > 1))
        {
            settings.Warn($"{variable} lists one node twice: {string.Join(" and ", same.Select(endpoint => endpoint.Id))} are the same port of this machine.");
        }

        return [.. _endpoints.Values];
    }

    // Other addresses of 127.0.0.0/8 may be different backends.
    internal static bool IsThisMachine(BackendEndpoint endpoint) =>
        endpoint.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(endpoint.Host, out var address) && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback)));
}

/// <summary>The list <c>BACKEND_HOSTS</c>: <c>host:port,host:port*weight,[2001:db8::1]:13004,https://host:port</c>.</summary>
internal static class BackendHosts
{
    private const string Variable = "BACKEND_HOSTS";

    /// <returns>Null if the variable is unset or invalid.</returns>
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

        return list.Complete("at least one host:port");
    }
}

/// <summary>
/// The file <c>BACKEND_FILE</c>: one <c>host:port</c> or <c>host:port*weight</c> per line; comments start with <c>#</c>. Changes are
/// applied while the balancer runs, as with other settings. A list that is invalid or empty is ignored: it may be half-written.
/// </summary>
internal static class BackendFile
{
    private const string Variable = "BACKEND_FILE";
    private const int MaxBytes = 1024 * 1024;
    private const int MaxShown = 100;

    /// <returns>Null if the variable is unset or invalid.</returns>
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

        return list.Complete("a file with at least one host:port");
    }

    // It could be any file.
    private static string Shown(string node) => node.Length > MaxShown ? $"{node[..MaxShown]}…" : node;
}

/// <summary>Parses <c>host:port</c>, <c>[2001:db8::1]:13004</c> and <c>https://host</c>, with an optional <c>*weight</c>.</summary>
internal static class BackendAddress
{
    /// <summary>For error messages, after "expected".</summary>
    public const string Expected =
        "host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000";

    private const string Plain = "http://";
    private const string Secure = "https://";
    private const int PlainPort = 80;
    private const int SecurePort = 443;

    /// <returns>Null if it is invalid.</returns>
    public static BackendEndpoint? Parse(string text)
    {
        var star = text.IndexOf('*');
        var weight = 1.0;
        if (star >= 0 && !(double.TryParse(text.AsSpan(star + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight)
            && BackendWeight.IsValid(weight)))
        {
            return null;
        }

        var address = star < 0 ? text : text[..star];
        var isTls = address.StartsWith(Secure, StringComparison.OrdinalIgnoreCase);
        var isUrl = isTls || address.StartsWith(Plain, StringComparison.OrdinalIgnoreCase);
        if (isUrl)
        {
            address = address[(isTls ? Secure : Plain).Length..];
            // As copied from a browser.
            address = address.EndsWith('/') ? address[..^1] : address;
        }

        var colon = address.LastIndexOf(':');
        if (isUrl && colon <= address.LastIndexOf(']'))
        {
            return Endpoint(address, isTls ? SecurePort : PlainPort, weight, isTls);
        }

        return colon > 0
            && int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is >= 1 and <= 65535
                ? Endpoint(address[..colon], port, weight, isTls) : null;
    }

    private static BackendEndpoint? Endpoint(string host, int port, double weight, bool isTls)
    {
        var isBracketed = host is ['[', .., ']'];
        if (isBracketed)
        {
            host = host[1..^1];
        }

        return Uri.CheckHostName(host) switch
        {
            UriHostNameType.IPv6 when isBracketed => new BackendEndpoint(IPAddress.Parse(host).ToString(), port, weight, isTls),
            UriHostNameType.IPv4 or UriHostNameType.Dns when !isBracketed && HostName.IsUnambiguous(host) => new BackendEndpoint(host, port, weight, isTls),
            _ => null,
        };
    }
}
