using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Trust;

/// <summary><c>ADMIN_TOKEN</c>: grants access to admin actions and unmasked data. If unset, both are disabled.</summary>
public sealed class AdminToken
{
    private const string Variable = "ADMIN_TOKEN";
    private const string Scheme = "Bearer ";

    /// <summary>Shorter ones can be guessed: 16 random letters and digits are 95 bits.</summary>
    private const int MinLength = 16;

    // Not the token itself: nothing can print it.
    private readonly byte[]? _hash;

    /// <param name="token">The token, or null if there is none.</param>
    public AdminToken(string? token) => _hash = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Whether a token is set.</summary>
    public bool IsSet => _hash is not null;

    /// <summary>Reads the variable.</summary>
    public static AdminToken Read(SettingsReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var token = settings.Text(Variable);
        if (token?.Length < MinLength)
        {
            settings.Warn($"{Variable} is shorter than {MinLength} characters and can be guessed. `openssl rand -hex 24` generates a better one.");
        }
        else if (token is not null && (token + token).IndexOf(token, 1, StringComparison.Ordinal) < token.Length)
        {
            settings.Warn($"{Variable} is repetitive and can be guessed. `openssl rand -hex 24` generates a better one.");
        }

        return new(token);
    }

    /// <summary>Whether an <c>Authorization</c> header contains a token rather than other credentials.</summary>
    public static bool IsAttempt(string? header) => header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Checks an <c>Authorization</c> header. Use <see cref="AdminAccess"/> for requests, which throttles wrong tokens.</summary>
    public AdminVerdict Judge(string? header)
    {
        if (string.IsNullOrEmpty(header))
        {
            return AdminVerdict.Absent;
        }

        if (_hash is null || !IsAttempt(header))
        {
            return AdminVerdict.Wrong;
        }

        // Kestrel decodes header bytes as Latin-1 when forwarding, and as UTF-8 otherwise.
        var token = header[Scheme.Length..].Trim();
        return IsToken(Encoding.UTF8.GetBytes(token)) | IsToken(Encoding.Latin1.GetBytes(token)) ? AdminVerdict.Right : AdminVerdict.Wrong;
    }

    // Comparing hashes hides the prefix and the length of the token from timing attacks.
    private bool IsToken(byte[] token) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(token), _hash);
}
