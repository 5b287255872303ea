using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Status;

/// <summary>Who may change things.</summary>
/// <param name="Token"><c>ADMIN_TOKEN</c>; without it the admin endpoints answer 404.</param>
internal sealed record AdminOptions(string? Token)
{
    private const string Scheme = "Bearer ";

    public static AdminOptions Read(SettingsReader settings) => new(settings.Text("ADMIN_TOKEN"));

    /// <summary>Compares in constant time, so that answers do not tell how much of a guess was right.</summary>
    public bool Accepts(string? authorization) =>
        Token is not null
        && authorization?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true
        && CryptographicOperations.FixedTimeEquals(
            // Header bytes reach us one character each.
            SHA256.HashData(Encoding.Latin1.GetBytes(authorization[Scheme.Length..].Trim())),
            SHA256.HashData(Encoding.UTF8.GetBytes(Token)));

    /// <summary>Keeps the token out of logs.</summary>
    public override string ToString() => nameof(AdminOptions);
}
