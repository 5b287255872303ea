using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>
/// The cookie that identifies clients with <c>STICKY_BY=cookie</c>: a random id, generated and hashed by the balancer. Stateless: any
/// value is valid, and a forged one only selects a backend.
/// <para>
/// Backends neither receive nor set it, as with HAProxy's <c>cookie … insert indirect nocache</c>: they could only log it, vary
/// caches by it, or send it back changed.
/// </para>
/// </summary>
internal sealed class StickyCookie
{
    /// <summary>The maximum length of a value in bytes; generated ones have 32.</summary>
    public const int MaxValue = 128;

    private const int IdBytes = 16;

    private readonly byte[] _name;
    private readonly bool _isAlwaysSecure;

    /// <param name="name">A token (RFC 6265, section 4.1.1).</param>
    public StickyCookie(string name)
    {
        Name = name;
        _name = Encoding.ASCII.GetBytes(name);
        // Browsers reject both without the attribute (RFC 6265bis, section 4.1.3).
        _isAlwaysSecure = name.StartsWith("__Host-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("__Secure-", StringComparison.OrdinalIgnoreCase);
    }

    public string Name { get; }

    /// <summary>A unique id: 128 random bits.</summary>
    public static string NewId() => RandomNumberGenerator.GetHexString(2 * IdBytes, lowercase: true);

    /// <summary>Finds the first valid id in a Cookie line.</summary>
    public bool TryFind(ReadOnlySpan<byte> line, out StickyKey key)
    {
        var value = ValueIn(line);
        key = value.IsEmpty ? default : StickyKey.Of(value);
        return !value.IsEmpty;
    }

    /// <summary>The id as received.</summary>
    public string? ValueIn(in StringValues lines)
    {
        foreach (var line in lines)
        {
            if (ValueIn(Encoding.Latin1.GetBytes(line ?? "")) is { IsEmpty: false } value)
            {
                return Encoding.Latin1.GetString(value);
            }
        }

        return null;
    }

    private ReadOnlySpan<byte> ValueIn(ReadOnlySpan<byte> line)
    {
        foreach (var range in line.Split((byte)';'))
        {
            var pair = line[range].Trim(" \t"u8);
            if (IsOwn(pair) && pair[(pair.IndexOf((byte)'=') + 1)..].Trim(" \t"u8) is { Length: > 0 and <= MaxValue } value)
            {
                return value;
            }
        }

        return [];
    }

    /// <summary>Finds the id in the Cookie lines, of which HTTP/2 can have several.</summary>
    /// <returns>Null without a valid id.</returns>
    public StickyKey? Find(in StringValues lines)
    {
        foreach (var line in lines)
        {
            if (line is not null && line.Contains(Name, StringComparison.Ordinal) && TryFind(line, out var key))
            {
                return key;
            }
        }

        return null;
    }

    /// <summary>Whether <see cref="Remove(ReadOnlySpan{byte}, Span{byte})"/> would change a Cookie line.</summary>
    public bool IsIn(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf(_name) >= 0)
        {
            foreach (var range in line.Split((byte)';'))
            {
                if (IsOwn(line[range].Trim(" \t"u8)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Writes a Cookie line without the id; other cookies are unchanged.</summary>
    /// <param name="line">The value.</param>
    /// <param name="output">At least as long as the line; may be the same memory.</param>
    /// <returns>The number of bytes written; 0 without other cookies.</returns>
    public int Remove(ReadOnlySpan<byte> line, Span<byte> output)
    {
        var length = 0;
        foreach (var range in line.Split((byte)';'))
        {
            var pair = line[range];
            if (IsOwn(pair.Trim(" \t"u8)) || (length == 0 && (pair = pair.TrimStart(" \t"u8)).IsEmpty))
            {
                continue;
            }

            if (length > 0)
            {
                output[length++] = (byte)';';
            }

            pair.CopyTo(output[length..]);
            length += pair.Length;
        }

        return output[..length].TrimEnd("; \t"u8).Length;
    }

    /// <summary>Removes the id from a request.</summary>
    public void RemoveFrom(IHeaderDictionary headers)
    {
        var lines = headers.Cookie;
        if (lines.Count > 0 && lines.Any(line => line is not null && line.Contains(Name, StringComparison.Ordinal)))
        {
            headers.Cookie = lines.Select(line => Remove(line ?? "")).Where(line => line.Length > 0).ToArray();
        }
    }

    /// <summary>Whether a Set-Cookie value sets this cookie.</summary>
    public bool IsSetBy(ReadOnlySpan<byte> value)
    {
        var end = value.IndexOf((byte)';');
        return IsOwn((end < 0 ? value : value[..end]).Trim(" \t"u8));
    }

    /// <summary>The same for a string.</summary>
    public bool IsSetBy(string? value)
    {
        var pair = value.AsSpan();
        pair = pair.IndexOf(';') is >= 0 and var end ? pair[..end] : pair;
        return pair.IndexOf('=') is >= 0 and var equals && pair[..equals].Trim(" \t").SequenceEqual(Name);
    }

    /// <summary>The Set-Cookie value for an id. A session cookie: it has no Max-Age.</summary>
    /// <param name="id">From <see cref="NewId"/>.</param>
    /// <param name="isSecure">Whether the client uses TLS.</param>
    public string Set(string id, bool isSecure) =>
        $"{Name}={id}; Path=/; HttpOnly; SameSite=Lax{(isSecure || _isAlwaysSecure ? "; Secure" : "")}";

    private bool TryFind(string line, out StickyKey key)
    {
        using var bytes = new Latin1Bytes(line, stackalloc byte[Latin1Bytes.StackSize]);
        return TryFind(bytes.Value, out key);
    }

    private string Remove(string line)
    {
        var bytes = Encoding.Latin1.GetBytes(line);
        return IsIn(bytes) ? Encoding.Latin1.GetString(bytes, 0, Remove(bytes.AsSpan(), bytes)) : line;
    }

    // Cookie names are case-sensitive (RFC 6265, section 5.4).
    private bool IsOwn(ReadOnlySpan<byte> pair) => pair.IndexOf((byte)'=') is >= 0 and var end && pair[..end].TrimEnd(" \t"u8).SequenceEqual(_name);
}
