using System.Buffers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Which bytes may stand where (RFC 9110, section 5).</summary>
internal static class HttpSyntax
{
    private const string TokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenCharacters));
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(TokenCharacters);
    private static readonly SearchValues<char> ControlChars =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (char)value)]);

    // All controls but the tab.
    private static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(value => value != '\t').Select(value => (byte)value)]);

    /// <summary>The length of the token that the bytes begin with.</summary>
    public static int TokenLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(TokenBytes) is >= 0 and var end ? end : bytes.Length;

    /// <summary>The length of the text that the bytes begin with: up to the first control that is no tab.</summary>
    public static int TextLength(ReadOnlySpan<byte> bytes) => bytes.IndexOfAny(Controls) is >= 0 and var end ? end : bytes.Length;

    public static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenChars);

    /// <summary>The same for a value that is a text already.</summary>
    public static bool IsText(string text) => !text.AsSpan().ContainsAny(ControlChars);

    /// <summary>Whether the bytes can be a field's value or a reason: no controls but tabs.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => !bytes.ContainsAny(Controls);
}
