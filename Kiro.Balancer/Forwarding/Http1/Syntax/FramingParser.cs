using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Finds out where a response ends, and whether its connection does, too (RFC 9112, sections 6 and 9.3).</summary>
internal static class FramingParser
{
    /// <summary>More than any body has, and less than would overflow.</summary>
    private const long MaxBytes = 1L << 59;

    /// <returns>False when the response's end is not clear.</returns>
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
                    ResponseTraits.Note(field.Known, value, head);
                    break;
            }
        }

        if (named > ResponseHead.MaxFields)
        {
            return false;
        }

        if (head.IsChunked && (head.ContentLength is not null || head.IsHttp10))
        {
            // The chunks count, and whoever framed it so is not asked again on this connection (section 6.1).
            head.ContentLength = null;
            head.Closes = true;
        }

        if (head.Status is StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent)
        {
            // These have no body (RFC 9110, sections 15.3.5 and 15.3.6). What a node sends as one is not waited for.
            head.Closes |= head.IsChunked || head.ContentLength > 0 || (head.Status == StatusCodes.Status205ResetContent && head.ContentLength is null);
            (head.ContentLength, head.IsChunked) = (null, false);
        }
        else if (head is { Status: StatusCodes.Status304NotModified, ContentLength: 0 })
        {
            // It would say that the body which the client has is empty (RFC 9110, section 8.6).
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

    /// <returns>How many options name fields.</returns>
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

/// <summary>How the end of a body is found (RFC 9112, section 6.3).</summary>
internal enum BodyFraming
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>After so many bytes.</summary>
    Length,

    /// <summary>After the last chunk.</summary>
    Chunked,

    /// <summary>With the connection.</summary>
    UntilClose,
}

/// <summary>What well-known fields of a response say about its connection and its body, apart from the framing.</summary>
internal static class ResponseTraits
{
    public static void Note(FieldName name, ReadOnlySpan<byte> value, ResponseHead head)
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

    /// <summary>Whether a value of Content-Type means server-sent events: the type counts, in any case, and no parameter.</summary>
    public static bool IsEventStream(ReadOnlySpan<byte> contentType) =>
        Ascii.EqualsIgnoreCase(contentType[..(contentType.IndexOf((byte)';') is >= 0 and var end ? end : contentType.Length)].TrimEnd(" \t"u8), "text/event-stream"u8);

    /// <summary>Whether a value of WWW-Authenticate, Authorization or their kin for proxies has a scheme that logs a
    /// connection in, not a request.</summary>
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
