using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Determines the body framing of a response and whether its connection persists (RFC 9112, sections 6 and 9.3).</summary>
internal static class FramingParser
{
    /// <summary>Larger than any body, small enough not to overflow.</summary>
    private const long MaxBytes = 1L << 59;

    /// <returns>False if the framing is ambiguous.</returns>
    public static bool Apply(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        head.Closes = head.IsHttp10;
        var named = 0;
        foreach (var field in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(head.Fields))
        {
            var value = bytes.Slice(field.ValueStart, field.ValueLength);
            switch (field.Known?.Kind)
            {
                case FieldKind.ContentLength when head.ContentLength is null && TryParseLength(value, out var length):
                    head.ContentLength = length;
                    break;
                case FieldKind.TransferEncoding when !head.IsChunked && Ascii.EqualsIgnoreCase(value, "chunked"u8):
                    head.IsChunked = true;
                    break;
                case FieldKind.ContentLength or FieldKind.TransferEncoding:
                    return false;
                case FieldKind.Connection:
                    named += ReadOptions(value, head);
                    break;
                case FieldKind.Trailer:
                    head.HasTrailerField = true;
                    break;
                case FieldKind.EndToEnd or FieldKind.HopByHop:
                    ResponseTraits.Read(field.Known, value, head);
                    break;
            }
        }

        if (named > ResponseHead.MaxFields)
        {
            return false;
        }

        if (head.IsChunked && (head.ContentLength is not null || head.IsHttp10))
        {
            // Chunked overrides Content-Length, and the connection is not reused (RFC 9112, section 6.1).
            head.ContentLength = null;
            head.Closes = true;
        }

        if (head.Status is StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent)
        {
            // These have no body (RFC 9110, sections 15.3.5 and 15.3.6). A backend that sends one anyway is not waited for.
            head.Closes |= head.IsChunked || head.ContentLength > 0 || (head.Status == StatusCodes.Status205ResetContent && head.ContentLength is null);
            (head.ContentLength, head.IsChunked) = (null, false);
        }
        else if (head is { Status: StatusCodes.Status304NotModified, ContentLength: 0 })
        {
            // Forwarded, it would say that the cached body is empty (RFC 9110, section 8.6).
            head.ContentLength = null;
        }

        return true;
    }

    private static bool TryParseLength(ReadOnlySpan<byte> digits, out long length)
    {
        length = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return false;
            }

            length = length * 10 + digit - '0';
            if (length >= MaxBytes)
            {
                return false;
            }
        }

        return digits.Length > 0;
    }

    /// <returns>The number of options that name fields.</returns>
    private static int ReadOptions(ReadOnlySpan<byte> value, ResponseHead head)
    {
        var named = 0;
        foreach (var range in value.Split((byte)','))
        {
            var option = value[range].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(option, "close"u8))
            {
                head.HasConnectionClose = head.Closes = true;
            }
            else if (option.Length > 0 && !Ascii.EqualsIgnoreCase(option, "keep-alive"u8))
            {
                head.HasConnectionOptions = true;
                named++;
            }
        }

        return named;
    }
}

/// <summary>How the end of a body is determined (RFC 9112, section 6.3).</summary>
internal enum BodyFraming
{
    /// <summary>No body.</summary>
    None,

    /// <summary>Content-Length.</summary>
    Length,

    /// <summary>The last chunk.</summary>
    Chunked,

    /// <summary>The close of the connection.</summary>
    UntilClose,
}

/// <summary>What well-known response fields say about the connection and the body, framing aside.</summary>
internal static class ResponseTraits
{
    public static void Read(FieldName name, ReadOnlySpan<byte> value, ResponseHead head)
    {
        if (ReferenceEquals(name, FieldNames.ContentType))
        {
            head.IsEventStream = IsEventStream(value);
        }
        else if (ReferenceEquals(name, FieldNames.KeepAlive))
        {
            ReadKeepAlive(value, head);
        }
        else if (ReferenceEquals(name, FieldNames.WwwAuthenticate) || ReferenceEquals(name, FieldNames.ProxyAuthenticate))
        {
            head.BindsConnection |= BindsConnection(value);
        }
    }

    /// <summary>Whether a Content-Type value means server-sent events. Parameters are ignored.</summary>
    public static bool IsEventStream(ReadOnlySpan<byte> contentType) =>
        Ascii.EqualsIgnoreCase(contentType[..(contentType.IndexOf((byte)';') is >= 0 and var end ? end : contentType.Length)].TrimEnd(" \t"u8), "text/event-stream"u8);

    /// <summary>Whether a WWW-Authenticate, Authorization, Proxy-Authenticate or Proxy-Authorization value has a scheme that authenticates
    /// the connection and not the request.</summary>
    public static bool BindsConnection(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var challenge = value[range].Trim(" \t"u8);
            var scheme = challenge[..HttpSyntax.TokenLength(challenge)];
            if (Ascii.EqualsIgnoreCase(scheme, "NTLM"u8) || Ascii.EqualsIgnoreCase(scheme, "Negotiate"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static void ReadKeepAlive(ReadOnlySpan<byte> value, ResponseHead head)
    {
        foreach (var range in value.Split((byte)','))
        {
            var parameter = value[range].Trim(" \t"u8);
            var equals = parameter.IndexOf((byte)'=');
            if (equals < 0 || !TryParse(parameter[(equals + 1)..].Trim(" \t"u8), out var number))
            {
                continue;
            }

            var name = parameter[..equals].TrimEnd(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "timeout"u8))
            {
                head.KeepAliveTimeout = number;
            }
            else if (Ascii.EqualsIgnoreCase(name, "max"u8))
            {
                head.KeepAliveMax = number;
            }
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out int number) =>
        System.Buffers.Text.Utf8Parser.TryParse(text, out number, out var length) && length == text.Length && number >= 0;
}
