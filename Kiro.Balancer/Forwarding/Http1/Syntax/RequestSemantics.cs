using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Interprets request fields: framing and routing fields one by one as they are parsed (RFC 9112, section 6; RFC 9110, sections 7.2 and 8.6),
/// then the header section as a whole. What a server may repair, such as a repeated Content-Length, is refused: only smuggling needs it.
/// </summary>
internal static class RequestSemantics
{
    /// <summary>Applies one field.</summary>
    public static RequestState Apply(RequestFieldKind kind, ReadOnlySpan<byte> value, int start, RequestHead head)
    {
        switch (kind)
        {
            case RequestFieldKind.Host:
                return ApplyHost(value, start, head);
            case RequestFieldKind.ContentLength:
                if (head.ContentLength is not null || !TryParseLength(value, out var length))
                {
                    return head.Refuse(400, "Content-Length is not a single number");
                }

                head.ContentLength = length;
                return RequestState.Complete;
            case RequestFieldKind.TransferEncoding:
                if (head.IsChunked || !Ascii.EqualsIgnoreCase(value, "chunked"u8))
                {
                    // Any other coding would have to be decoded here (RFC 9112, section 6.1).
                    return head.Refuse(501, "the only supported transfer coding is chunked, once");
                }

                head.IsChunked = true;
                return RequestState.Complete;
            default:
                return RequestState.Complete;
        }
    }

    /// <summary>Applies the header section as a whole.</summary>
    public static RequestState Complete(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        if (!head.HasHost && !head.IsHttp10)
        {
            return head.Refuse(400, "the Host field is missing");
        }

        if (head.IsChunked && (head.ContentLength is not null || head.IsHttp10))
        {
            // Both at once is request smuggling, and HTTP/1.0 has no transfer codings (RFC 9112, section 6.1).
            return head.Refuse(400, head.IsHttp10
                ? "HTTP/1.0 does not support transfer codings" : "the request has both Content-Length and Transfer-Encoding");
        }

        var (hasClose, hasKeepAlive, hasUpgrade, isWebSocket, hasKey, options, upgradeFields) = (false, false, false, false, false, 0, 0);
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
                            hasClose = true;
                        }
                        else if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8))
                        {
                            hasKeepAlive = true;
                        }
                        else if (Ascii.EqualsIgnoreCase(option, "upgrade"u8))
                        {
                            hasUpgrade = true;
                        }
                        else if (!option.IsEmpty)
                        {
                            if (++options > RequestHead.MaxFields)
                            {
                                return head.Refuse(431, "the Connection field names too many fields");
                            }

                            MarkConnectionOption(bytes, option, head);
                        }
                    }

                    break;
                case RequestFieldKind.Expect:
                    head.ExpectsContinue |= !head.IsHttp10 && ListContains(value, "100-continue"u8);
                    break;
                case RequestFieldKind.Authorization:
                    head.BindsConnection |= ResponseTraits.BindsConnection(value);
                    break;
                case RequestFieldKind.Te:
                    head.AcceptsTrailers |= ListContains(value, "trailers"u8);
                    break;
                case RequestFieldKind.Upgrade:
                    // With another protocol beside it, it is not a WebSocket handshake (RFC 6455, section 4.1).
                    (isWebSocket, upgradeFields) = (Ascii.EqualsIgnoreCase(value, "websocket"u8), upgradeFields + 1);
                    break;
                case RequestFieldKind.WebSocketKey:
                    hasKey |= value.Length > 0;
                    break;
            }
        }

        head.Closes = hasClose || (head.IsHttp10 && !hasKeepAlive);
        head.IsWebSocket = hasUpgrade && isWebSocket && upgradeFields == 1 && hasKey && HasWebSocketVersion(bytes, head) && !head.IsHttp10 && head.Method == RequestMethod.Get
            && head.Framing == BodyFraming.None;
        return RequestState.Complete;
    }

    private static RequestState ApplyHost(ReadOnlySpan<byte> value, int start, RequestHead head)
    {
        if (head.HasHost)
        {
            return head.Refuse(400, "there is more than one Host field");
        }

        if (value.Length > 0 && !Authority.IsValid(value))
        {
            return head.Refuse(400, "the Host field is invalid");
        }

        head.HasHost = true;
        if (!head.IsAbsolute)
        {
            head.Host = (start, value.Length);
        }

        return RequestState.Complete;
    }

    // 1*DIGIT: no sign, no list, no whitespace.
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

    private static bool HasWebSocketVersion(ReadOnlySpan<byte> bytes, RequestHead head)
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

    // Must not affect fields that the balancer acts on: that would change the framing or hide the client's identity.
    private static void MarkConnectionOption(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> option, RequestHead head)
    {
        for (var index = 0; index < head.FieldCount; index++)
        {
            ref readonly var field = ref head.Fields[index];
            if (field.NameLength == option.Length && field.Kind != RequestFieldKind.CdnLoop && Ascii.EqualsIgnoreCase(field.Name(bytes), option))
            {
                head.MarkConnectionOption(index);
            }
        }
    }

    private static bool ListContains(ReadOnlySpan<byte> value, ReadOnlySpan<byte> member)
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
