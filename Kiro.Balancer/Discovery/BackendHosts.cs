using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

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
