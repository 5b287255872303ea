using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Trust;

/// <summary>
/// Judges who sends an admin token, and how often somebody may be wrong: ten times in a row, then once every ten seconds,
/// by address (IPv6: by /64). Whoever was wrong too often is not heard, not even with the right token: otherwise the limit
/// would not slow down a guess. At most 4,096 addresses are told apart, in memory of one size.
/// </summary>
public sealed partial class AdminAccess(Reloadable<AdminToken> token, TimeProvider time, ILogger<AdminAccess> logger)
{
    private const int Slots = 4096;
    private const int AtOnce = 10;
    private const double PerSecond = 0.1;

    private readonly RateTable _wrong = new(Slots, PerSecond, AtOnce, time);
    private readonly Burst _wrongTokens = new(time);
    private long _unheard;

    /// <summary>Whether there is a token at all.</summary>
    public bool IsSet => token.Value.IsSet;

    /// <summary>Wrong tokens since the start.</summary>
    public long WrongTokens => _wrongTokens.Count;

    /// <summary>Tokens that were not looked at, because their sender had been wrong too often.</summary>
    public long Unheard => Interlocked.Read(ref _unheard);

    /// <summary>Judges a request.</summary>
    /// <param name="header">Its <c>Authorization</c>.</param>
    /// <param name="client">Who sent it; null counts as this machine.</param>
    public AdminVerdict Judge(string? header, IPAddress? client) => Judge(header, client, out _);

    /// <summary>Judges a request.</summary>
    /// <param name="header">Its <c>Authorization</c>.</param>
    /// <param name="client">Who sent it; null counts as this machine.</param>
    /// <param name="wait">With <see cref="AdminVerdict.TooOften"/>: when to try again.</param>
    public AdminVerdict Judge(string? header, IPAddress? client, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (!AdminToken.IsAttempt(header) || !token.Value.IsSet)
        {
            // Credentials for somebody else, such as a node's own login, are no guess.
            return token.Value.Judge(header);
        }

        var (address, key) = Key(client);
        if (!_wrong.IsEmpty(key, out wait))
        {
            if (token.Value.Judge(header) == AdminVerdict.Right)
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

        Interlocked.Increment(ref _unheard);
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

    [LoggerMessage(90, LogLevel.Warning, "{Client} sent a wrong admin token ({Count} wrong ones from anybody since the last line like this)")]
    private static partial void WrongToken(ILogger logger, IPAddress client, long count);
}

/// <summary>What a request's token says about its sender.</summary>
public enum AdminVerdict
{
    /// <summary>No token: a member of the public.</summary>
    Absent,

    /// <summary>The administrator.</summary>
    Right,

    /// <summary>Somebody who would like to be.</summary>
    Wrong,

    /// <summary>Somebody who was wrong too often; what they sent was not looked at.</summary>
    TooOften,
}
