namespace Kiro.Yarp;

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
