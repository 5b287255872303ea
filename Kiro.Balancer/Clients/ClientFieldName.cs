namespace Kiro.Balancer.Clients;

/// <summary>The name of a field by which clients are told, or told apart, as somebody sets it.</summary>
internal static class ClientFieldName
{
    /// <summary>In characters.</summary>
    public const int MaxLength = 64;

    /// <summary>What a token may have besides letters and digits (RFC 9110, section 5.6.2).</summary>
    public const string TokenCharacters = "!#$%&'*+-.^_`|~";

    // They say something else, or not the same on every path.
    private static readonly HashSet<string> OtherPurposes = new(StringComparer.OrdinalIgnoreCase)
    {
        "ALPN", "Close", "Connection", "Content-Length", "Cookie", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    /// <summary>Whether a name can be that of such a field.</summary>
    public static bool IsUsable(string name) => IsToken(name) && !OtherPurposes.Contains(name);

    /// <summary>Whether a name can be that of any field, or of a cookie.</summary>
    public static bool IsToken(string name) => name.Length is > 0 and <= MaxLength
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || TokenCharacters.Contains(letter));
}
