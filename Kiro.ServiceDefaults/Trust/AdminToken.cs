using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Trust;

/// <summary><c>ADMIN_TOKEN</c>: who has it may see and change what the public may not. Unset, nobody may.</summary>
public sealed class AdminToken
{
    private const string Variable = "ADMIN_TOKEN";
    private const string Scheme = "Bearer ";

    /// <summary>Shorter ones can be guessed: 16 random letters and digits are 95 bits.</summary>
    private const int MinLength = 16;

    // Not the token itself: nothing can print it.
    private readonly byte[]? _hash;

    /// <param name="token">The token, or null when there is none.</param>
    public AdminToken(string? token) => _hash = token is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Whether there is one.</summary>
    public bool IsSet => _hash is not null;

    /// <summary>Reads the variable.</summary>
    public static AdminToken Read(SettingsReader settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var token = settings.Text(Variable);
        if (token?.Length < MinLength)
        {
            settings.Warn($"{Variable} is shorter than {MinLength} characters, so it can be guessed. `openssl rand -hex 24` makes a better one.");
        }
        else if (token is not null && (token + token).IndexOf(token, 1, StringComparison.Ordinal) < token.Length)
        {
            settings.Warn($"{Variable} repeats itself, so it can be guessed. `openssl rand -hex 24` makes a better one.");
        }

        return new(token);
    }

    /// <summary>Whether an <c>Authorization</c> header holds a token at all, and no other kind of credentials.</summary>
    public static bool IsAttempt(string? header) => header?.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Judges an <c>Authorization</c> header. Requests are judged by <see cref="AdminAccess"/>, which counts.</summary>
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

        // A server that forwards takes header bytes for one character each, any other decodes them.
        var token = header[Scheme.Length..].Trim();
        return IsToken(Encoding.UTF8.GetBytes(token)) | IsToken(Encoding.Latin1.GetBytes(token)) ? AdminVerdict.Right : AdminVerdict.Wrong;
    }

    // Hashes are compared, so that the time taken tells neither a prefix nor the length of the token.
    private bool IsToken(byte[] token) => CryptographicOperations.FixedTimeEquals(SHA256.HashData(token), _hash);
}
