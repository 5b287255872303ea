using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost.Settings;

/// <summary>The balancer's HTTPS variables that are set. They are validated by the balancer.</summary>
/// <param name="Port"><c>TLS_PORT</c>; null if unset.</param>
/// <param name="KeyPassword"><c>TLS_KEY_PASSWORD</c>.</param>
/// <param name="Others">The others by name; files as absolute paths, because the balancer runs in its own folder.</param>
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
