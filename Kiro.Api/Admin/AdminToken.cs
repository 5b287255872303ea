using System.Security.Cryptography;
using System.Text;
using Kiro.Api.Answers;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Admin;

/// <summary><c>ADMIN_TOKEN</c>: who has it sees whole addresses. Unset, nobody does.</summary>
internal sealed class AdminToken
{
    private const string Scheme = "Bearer ";
    private readonly byte[]? _hash;

    public AdminToken(string? token) => _hash = token is null ? null : Hash(token);

    public static AdminToken Read(SettingsReader settings) => new(settings.Text("ADMIN_TOKEN"));

    /// <summary>Judges an <c>Authorization</c> header.</summary>
    public AdminVerdict Judge(string? header)
    {
        if (string.IsNullOrEmpty(header))
        {
            return AdminVerdict.Absent;
        }

        // Hashes are compared, so that the time taken tells neither a prefix nor the length of the token.
        return _hash is not null
            && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..].Trim()), _hash)
                ? AdminVerdict.Right
                : AdminVerdict.Wrong;
    }

    /// <summary>The answer to a wrong token.</summary>
    public static IResult Refuse(HttpResponse response)
    {
        response.Headers.WWWAuthenticate = "Bearer";
        return Problem.Answer(StatusCodes.Status401Unauthorized, "The token is not valid.");
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
