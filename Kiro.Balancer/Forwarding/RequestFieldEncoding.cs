using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// How Kestrel decodes request fields: Latin-1, which preserves every byte. Values that Kestrel parses too leniently or too strictly are adjusted
/// before it sees them.
/// </summary>
internal sealed class RequestFieldEncoding : Encoding
{
    private const string Invalid = "x";
    private const int MaxDigits = 18;

    private static readonly RequestFieldEncoding Length = new(StrictLength);
    private static readonly RequestFieldEncoding Host = new(WithoutEmptyPort);
    private static readonly RequestFieldEncoding Connection = new(PreserveNames);

    private readonly Func<string, string> _read;

    private RequestFieldEncoding(Func<string, string> read) => _read = read;

    /// <exception cref="InvalidOperationException">The field name is not a token (RFC 9110, section 5.1). Kestrel accepts some of these, and refuses
    /// the request because of the exception.</exception>
    public static Encoding For(string field) => field.Length switch
    {
        // HTTP/2 pseudo-header fields start with a colon.
        0 => throw new InvalidOperationException("A header field has no name."),
        _ when field[0] != ':' && !HttpSyntax.IsToken(field) => throw new InvalidOperationException("A header field has an invalid name."),
        4 when field.Equals("Host", StringComparison.OrdinalIgnoreCase) => Host,
        10 when field.Equals("Connection", StringComparison.OrdinalIgnoreCase) => Connection,
        14 when field.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) => Length,
        _ => Latin1,
    };

    public override int GetCharCount(byte[] bytes, int index, int count) => Read(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
        GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

    public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
    {
        var text = Read(bytes);
        text.CopyTo(chars);
        return text.Length;
    }

    public override int GetMaxCharCount(int byteCount) => byteCount + KeepAlive.Length;

    public override int GetByteCount(char[] chars, int index, int count) => count;

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetMaxByteCount(int charCount) => charCount;

    private const string KeepAlive = ", keep-alive";

    private string Read(ReadOnlySpan<byte> bytes) => _read(Latin1.GetString(bytes));

    // Kestrel accepts a sign and, in Latin-1, control characters around the digits (RFC 9110, section 8.6: 1*DIGIT).
    private static string StrictLength(string value) =>
        value.Length is > 0 and <= MaxDigits && !value.AsSpan().ContainsAnyExceptInRange('0', '9') ? value : Invalid;

    // An empty port is valid (RFC 3986, section 3.2.3), but Kestrel would refuse the host.
    private static string WithoutEmptyPort(string value) => value.Length > 1 && value[^1] == ':' && value[^2] != ':' ? value[..^1] : value;

    // If Kestrel finds exactly one option that it knows, it replaces the whole value with it and the field names in it are lost. So the value
    // either gets a second known option, or loses a redundant one.
    private static string PreserveNames(string value)
    {
        if (!value.Contains(',') && !value.Equals("close", StringComparison.OrdinalIgnoreCase))
        {
            return value;
        }

        var names = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var hasKeepAlive = names.Contains("keep-alive", StringComparer.OrdinalIgnoreCase);
        var others = string.Join(", ", names.Where(name => !name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)));
        var hasCloseOrUpgrade = names.Contains("close", StringComparer.OrdinalIgnoreCase) || names.Contains("upgrade", StringComparer.OrdinalIgnoreCase);
        return hasCloseOrUpgrade ? others + KeepAlive : hasKeepAlive && others.Length == 0 ? "keep-alive" : others;
    }
}
