using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost.Settings;

/// <summary>HTTPS of the balancer: its variables, as far as they are set. The balancer checks what they say.</summary>
/// <param name="Port"><c>TLS_PORT</c>; null when it is unset.</param>
/// <param name="KeyPassword"><c>TLS_KEY_PASSWORD</c>.</param>
/// <param name="Others">The others by their names; files with their whole paths, because the balancer runs in a folder of its own.</param>
internal sealed record TlsSettings(int? Port, string? KeyPassword, IReadOnlyDictionary<string, string> Others)
{
    public static TlsSettings Off { get; } = new(null, null, new Dictionary<string, string>());

    public static TlsSettings Read(SettingsReader reader)
    {
        var others = new Dictionary<string, string>();
        foreach (var name in (string[])["TLS_CERTIFICATE", "TLS_CERTIFICATES", "TLS_CLIENT_CA", "TLS_KEY"])
        {
            if (reader.Text(name) is { } path)
            {
                others.Add(name, Path.GetFullPath(path));
            }
        }

        if (reader.Text("TLS_REDIRECT") is { } redirect)
        {
            others.Add("TLS_REDIRECT", redirect);
        }

        return new TlsSettings(reader.Text("TLS_PORT") is null ? null : reader.Port("TLS_PORT", 443), reader.Secret("TLS_KEY_PASSWORD"), others);
    }
}
