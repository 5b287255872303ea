using System.Buffers;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Options;

namespace Kiro.Yarp;

/// <summary>Maps a request to its slot: by the client's address, or by the UTF-8 bytes of a header or cookie.</summary>
internal sealed class RequestSlot
{
    /// <summary>In bytes; longer keys use rented memory.</summary>
    private const int ShortKey = 256;

    private readonly ClientHash _hash;
    private readonly ClientResolver _clients;
    private readonly ulong _seed;

    public RequestSlot(IOptions<ClientHashOptions> options)
    {
        var value = options.Value;
        _seed = value.Seed is { Length: > 0 } text ? HashingOptions.SeedOf(text) : HashingOptions.DefaultSeed;
        _hash = new ClientHash(new HashingOptions(_seed, value.IPv4Prefix, value.IPv6Prefix));
        _clients = new ClientResolver(new ClientOptions([.. value.ReadTrustedProxies()!.Select(AddressRange.From)], ClientHeader.Default));
    }

    /// <summary>The seed of the ranking.</summary>
    public ulong Seed => _seed;

    /// <summary>From 0 to 2^20 - 1. Does not allocate for addresses.</summary>
    public int Of(HttpContext context, ClientKey key)
    {
        var text = key.Kind switch
        {
            ClientKeyKind.Header => context.Request.Headers[key.Name].ToString(),
            ClientKeyKind.Cookie => context.Request.Cookies[key.Name],
            _ => null,
        };
        return string.IsNullOrEmpty(text)
            ? _hash.Slot(_clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _).Address)
            : OfText(text);
    }

    private int OfText(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var rented = length > ShortKey ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> bytes = rented is null ? stackalloc byte[ShortKey] : rented;
        bytes = bytes[..Encoding.UTF8.GetBytes(text, bytes)];
        // Like the balancer's STICKY_BY.
        var slot = _hash.Slot(StickyKey.Of(bytes));
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return slot;
    }
}

/// <summary>The part of a request that is hashed.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">The name of the header or cookie; empty for the address.</param>
internal sealed record ClientKey(ClientKeyKind Kind, string Name)
{
    /// <summary>The allowed values, to follow "expected".</summary>
    public const string Allowed = "ip, header:NAME or cookie:NAME";

    private const string TokenCharacters = "!#$%&'*+-.^_`|~";

    public static bool TryParse(string? text, out ClientKey key)
    {
        var colon = text?.IndexOf(':') ?? -1;
        var (word, name) = colon < 0 ? (text, "") : (text![..colon], text[(colon + 1)..]);
        var kind = word?.ToLowerInvariant() switch
        {
            "ip" => ClientKeyKind.Address,
            "header" => ClientKeyKind.Header,
            "cookie" => ClientKeyKind.Cookie,
            _ => (ClientKeyKind?)null,
        };
        key = new ClientKey(kind ?? ClientKeyKind.Address, name);
        return kind == ClientKeyKind.Address ? colon < 0 : kind is not null && IsToken(name);
    }

    // For header and cookie names (RFC 9110, section 5.6.2; RFC 6265, section 4.1.1).
    private static bool IsToken(string name) =>
        name.Length > 0 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || TokenCharacters.Contains(letter));
}

/// <summary>The kind of key.</summary>
internal enum ClientKeyKind
{
    /// <summary>The client's address.</summary>
    Address,

    /// <summary>A request header.</summary>
    Header,

    /// <summary>A cookie.</summary>
    Cookie,
}
