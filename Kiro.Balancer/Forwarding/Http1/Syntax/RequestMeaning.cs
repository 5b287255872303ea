using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Says what a request's fields mean: first what frames and routes it, field by field as they come (RFC 9112, section 6; RFC 9110,
/// sections 7.2 and 8.6), then all together. What HTTP lets a server repair, such as a length given twice, is refused: no client in use
/// sends it, smugglers do.
/// </summary>
internal static class RequestSemantics
{
    /// <summary>Takes a field as it comes.</summary>
    public static RequestState Note(RequestFieldKind kind, ReadOnlySpan<byte> value, int start, RequestHead head)
    {
        switch (kind)
        {
            case RequestFieldKind.Host:
                return NoteHost(value, start, head);
            case RequestFieldKind.ContentLength:
                if (head.ContentLength is not null || !TryParseLength(value, out var length))
                {
                    return head.Refuse(400, "Content-Length is no single number");
                }

                head.ContentLength = length;
                return RequestState.Complete;
            case RequestFieldKind.TransferEncoding:
                if (head.IsChunked || !Ascii.EqualsIgnoreCase(value, "chunked"u8))
                {
                    // Another coding could only be passed on by taking it off (RFC 9112, section 6.1).
                    return head.Refuse(501, "of transfer codings only chunked is supported, and only once");
                }

                head.IsChunked = true;
                return RequestState.Complete;
            default:
                return RequestState.Complete;
        }
    }

    /// <summary>Once all fields are there.</summary>
    public static RequestState Judge(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        if (!head.HasHost && !head.IsHttp10)
        {
            return head.Refuse(400, "there is no Host");
        }

        if (head.IsChunked && (head.ContentLength is not null || head.IsHttp10))
        {
            // Length and chunks at once is how requests are smuggled, and HTTP/1.0 knows no chunks (RFC 9112, section 6.1).
            return head.Refuse(400, head.IsHttp10
                ? "HTTP/1.0 has no transfer codings" : "the body has both a Content-Length and a Transfer-Encoding");
        }

        var (saysClose, keepsAlive, upgrades, isWebSocket, hasKey, options, upgradeFields) = (false, false, false, false, false, 0, 0);
        foreach (var field in head.Fields)
        {
            var value = field.Value(bytes);
            switch (field.Kind)
            {
                case RequestFieldKind.Connection:
                    foreach (var range in value.Split((byte)','))
                    {
                        var option = value[range].Trim(" \t"u8);
                        if (Ascii.EqualsIgnoreCase(option, "close"u8))
                        {
                            saysClose = true;
                        }
                        else if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8))
                        {
                            keepsAlive = true;
                        }
                        else if (Ascii.EqualsIgnoreCase(option, "upgrade"u8))
                        {
                            upgrades = true;
                        }
                        else if (!option.IsEmpty)
                        {
                            if (++options > RequestHead.MaxFields)
                            {
                                return head.Refuse(431, "Connection names too many fields");
                            }

                            DropNamed(bytes, option, head);
                        }
                    }

                    break;
                case RequestFieldKind.Expect:
                    head.ExpectsContinue |= !head.IsHttp10 && Lists(value, "100-continue"u8);
                    break;
                case RequestFieldKind.Authorization:
                    head.BindsConnection |= ResponseTraits.BindsConnection(value);
                    break;
                case RequestFieldKind.Te:
                    head.AcceptsTrailers |= Lists(value, "trailers"u8);
                    break;
                case RequestFieldKind.Upgrade:
                    // Offered beside another protocol it is no handshake (RFC 6455, section 4.1).
                    (isWebSocket, upgradeFields) = (Ascii.EqualsIgnoreCase(value, "websocket"u8), upgradeFields + 1);
                    break;
                case RequestFieldKind.WebSocketKey:
                    hasKey |= value.Length > 0;
                    break;
            }
        }

        head.Closes = saysClose || (head.IsHttp10 && !keepsAlive);
        head.IsWebSocket = upgrades && isWebSocket && upgradeFields == 1 && hasKey && HasVersion(bytes, head) && !head.IsHttp10 && head.Method == RequestMethod.Get
            && head.Framing == BodyFraming.None;
        return RequestState.Complete;
    }

    private static RequestState NoteHost(ReadOnlySpan<byte> value, int start, RequestHead head)
    {
        if (head.HasHost)
        {
            return head.Refuse(400, "there is more than one Host");
        }

        if (value.Length > 0 && !Authority.IsValid(value))
        {
            return head.Refuse(400, "Host is invalid");
        }

        head.HasHost = true;
        if (!head.IsAbsolute)
        {
            head.Host = (start, value.Length);
        }

        return RequestState.Complete;
    }

    // 1*DIGIT: no sign, no list, no spaces.
    private static bool TryParseLength(ReadOnlySpan<byte> digits, out long length)
    {
        length = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit((char)digit) || length > (long.MaxValue - 9) / 10)
            {
                return false;
            }

            length = length * 10 + digit - '0';
        }

        return digits.Length > 0;
    }

    private static bool HasVersion(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var name = "Sec-WebSocket-Version"u8;
        foreach (ref readonly var field in head.Fields)
        {
            if (field.NameLength == name.Length && field.ValueLength > 0 && Ascii.EqualsIgnoreCase(field.Name(bytes), name))
            {
                return true;
            }
        }

        return false;
    }

    // Naming what the balancer acts on changes nothing: it must not unframe a message or hide who the client is.
    private static void DropNamed(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> option, RequestHead head)
    {
        for (var place = 0; place < head.FieldCount; place++)
        {
            ref readonly var field = ref head.Fields[place];
            if (field.NameLength == option.Length && field.Kind != RequestFieldKind.CdnLoop && Ascii.EqualsIgnoreCase(field.Name(bytes), option))
            {
                head.Drop(place);
            }
        }
    }

    private static bool Lists(ReadOnlySpan<byte> value, ReadOnlySpan<byte> member)
    {
        foreach (var range in value.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(value[range].Trim(" \t"u8), member))
            {
                return true;
            }
        }

        return false;
    }
}
