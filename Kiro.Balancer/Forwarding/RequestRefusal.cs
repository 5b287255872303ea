using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Why a request is not forwarded, whatever the nodes say.</summary>
internal readonly record struct RequestRefusal(int Status, string Problem)
{
    /// <returns>Null for a request that can be forwarded.</returns>
    public static RequestRefusal? Of(HttpRequest request)
    {
        if (request.Method == HttpMethods.Connect && !WebSocketHandshake.IsExtended(request.HttpContext))
        {
            return new RequestRefusal(StatusCodes.Status501NotImplemented, "CONNECT asks for a tunnel, and there is none");
        }

        // Kestrel takes controls within the target; lenient nodes would end the target there (RFC 9112, section 3).
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (target.AsSpan().ContainsAnyInRange('\0', ' ') || target.Contains('\x7F'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has control characters");
        }

        if (target.Contains('#'))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has a fragment");
        }

        if (OriginForm.HasUserinfo(target))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "the request target has no valid host");
        }

        if (!request.Host.HasValue && OriginForm.AuthorityOf(target) is { Length: > 0 } authority)
        {
            // HTTP/1.0 knows no Host, and Kestrel overrides only one that is there.
            request.Host = new HostString(authority.ToString());
        }

        if (request.Host.Value is { Length: > 0 } host && !Authority.IsValid(host))
        {
            return new RequestRefusal(StatusCodes.Status400BadRequest, "Host is invalid");
        }

        if (request.Headers.TransferEncoding is { Count: > 0 } codings)
        {
            if (codings.Count > 1 || !string.Equals(codings[0]?.Trim(' ', '\t'), "chunked", StringComparison.OrdinalIgnoreCase))
            {
                return new RequestRefusal(StatusCodes.Status501NotImplemented, "of transfer codings only chunked is supported, and only once");
            }

            if (HttpProtocol.IsHttp10(request.Protocol))
            {
                return new RequestRefusal(StatusCodes.Status400BadRequest, "HTTP/1.0 has no transfer codings");
            }
        }

        // Length and chunks at once is how requests are smuggled (RFC 9112, section 6.3). Kestrel renames the length.
        return request.Headers.TransferEncoding.Count > 0 && request.Headers.ContainsKey("X-Content-Length")
            ? new RequestRefusal(StatusCodes.Status400BadRequest, "the body has both a Content-Length and a Transfer-Encoding")
            : null;
    }
}

/// <summary>
/// How Kestrel is to read the values of a request's fields. They are bytes to us, whatever the two ends mean by them, and
/// Latin-1 keeps each byte. What Kestrel itself reads too freely, or too strictly, is put right here, before it reads it.
/// </summary>
internal sealed class RequestFieldEncoding : Encoding
{
    private const string NoNumber = "x";
    private const int MaxDigits = 18;

    private static readonly RequestFieldEncoding Length = new(StrictLength);
    private static readonly RequestFieldEncoding Host = new(WithoutEmptyPort);
    private static readonly RequestFieldEncoding Connection = new(WithNames);

    private readonly Func<string, string> _read;

    private RequestFieldEncoding(Func<string, string> read) => _read = read;

    /// <summary>For the field of this name.</summary>
    /// <exception cref="InvalidOperationException">It is no name (RFC 9110, section 5.1). Kestrel takes some that are none, and makes a
    /// refusal of this.</exception>
    public static Encoding For(string field) => field.Length switch
    {
        // HTTP/2's own begin with a colon.
        0 => throw new InvalidOperationException("A field has no name."),
        _ when field[0] != ':' && !HttpSyntax.IsToken(field) => throw new InvalidOperationException("A field has no valid name."),
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

    // Kestrel takes a sign and, in Latin-1, controls around the digits (RFC 9110, section 8.6: 1*DIGIT). It refuses what is no number.
    private static string StrictLength(string value) =>
        value.Length is > 0 and <= MaxDigits && !value.AsSpan().ContainsAnyExceptInRange('0', '9') ? value : NoNumber;

    // The port may be empty (RFC 3986, section 3.2.3), for which Kestrel refuses the host.
    private static string WithoutEmptyPort(string value) => value.Length > 1 && value[^1] == ':' && value[^2] != ':' ? value[..^1] : value;

    // Where Kestrel finds one option that it knows and no other, it replaces the whole value by that, and the names of fields
    // beside it are lost: it is given a second one, or the one is left out that it goes by anyway.
    private static string WithNames(string value)
    {
        if (!value.Contains(',') && !value.Equals("close", StringComparison.OrdinalIgnoreCase))
        {
            return value;
        }

        var names = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var isKept = names.Contains("keep-alive", StringComparer.OrdinalIgnoreCase);
        var others = string.Join(", ", names.Where(name => !name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)));
        var isDecided = names.Contains("close", StringComparer.OrdinalIgnoreCase) || names.Contains("upgrade", StringComparer.OrdinalIgnoreCase);
        return isDecided ? others + KeepAlive : isKept && others.Length == 0 ? "keep-alive" : others;
    }
}
