using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Takes what frames and routes a request from its fields, as they come (RFC 9112, section 6; RFC 9110, sections 7.2 and 8.6).
/// What HTTP lets a server repair, such as a length given twice, is refused: no client in use sends it, smugglers do.
/// </summary>
internal static class RequestFraming
{
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
}
