using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Trust;

/// <summary>
/// Checks admin tokens and throttles wrong ones: ten in a row, then one every ten seconds, per address (per /64 for IPv6).
/// Beyond that even the right token is rejected, otherwise the limit would not slow down guessing. At most 4,096 addresses
/// are tracked, in fixed memory.
/// </summary>
public sealed partial class AdminAccess(Reloadable<AdminToken> token, TimeProvider time, ILogger<AdminAccess> logger)
{
    private const int Slots = 4096;
    private const int AtOnce = 10;
    private const double PerSecond = 0.1;

    private readonly RateTable _wrong = new(Slots, PerSecond, AtOnce, time);
    private readonly Burst _wrongTokens = new(time);
    private long _rejectedTokens;

    /// <summary>Whether a token is configured.</summary>
    public bool IsSet => token.Value.IsSet;

    /// <summary>Wrong tokens since the start.</summary>
    public long WrongTokens => _wrongTokens.Count;

    /// <summary>Tokens rejected without a check, after too many wrong ones from the same sender.</summary>
    public long RejectedTokens => Interlocked.Read(ref _rejectedTokens);

    /// <summary>Checks a request.</summary>
    /// <param name="header">Its <c>Authorization</c> header.</param>
    /// <param name="client">Its sender; null counts as this machine.</param>
    public AdminVerdict Check(string? header, IPAddress? client) => Check(header, client, out _);

    /// <summary>Checks a request.</summary>
    /// <param name="header">Its <c>Authorization</c> header.</param>
    /// <param name="client">Its sender; null counts as this machine.</param>
    /// <param name="wait">With <see cref="AdminVerdict.TooOften"/>: the time until the next attempt is allowed.</param>
    public AdminVerdict Check(string? header, IPAddress? client, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (!AdminToken.IsAttempt(header) || !token.Value.IsSet)
        {
            // Other credentials, such as a node's own, are not an attempt.
            return token.Value.Check(header);
        }

        var (address, key) = Key(client);
        if (!_wrong.IsEmpty(key, out wait))
        {
            if (token.Value.Check(header) == AdminVerdict.Right)
            {
                return AdminVerdict.Right;
            }

            if (_wrongTokens.Note() is > 0 and var count)
            {
                WrongToken(logger, address, count);
            }

            if (_wrong.TryTake(key, out wait))
            {
                return AdminVerdict.Wrong;
            }
        }

        Interlocked.Increment(ref _rejectedTokens);
        return AdminVerdict.TooOften;
    }

    private static (IPAddress Address, UInt128 Key) Key(IPAddress? client)
    {
        var address = client ?? IPAddress.Loopback;
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        var number = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return (address, address.AddressFamily == AddressFamily.InterNetworkV6 ? number >> 64 << 64 : number);
    }

    [LoggerMessage(90, LogLevel.Warning, "{Client} sent a wrong admin token ({Count} wrong ones from all clients since the last such message)")]
    private static partial void WrongToken(ILogger logger, IPAddress client, long count);
}

/// <summary>The result of checking a request's token.</summary>
public enum AdminVerdict
{
    /// <summary>No token.</summary>
    Absent,

    /// <summary>The right token.</summary>
    Right,

    /// <summary>A wrong token.</summary>
    Wrong,

    /// <summary>Too many wrong tokens from this sender; not checked.</summary>
    TooOften,
}

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
    public AdminVerdict Check(string? header)
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
