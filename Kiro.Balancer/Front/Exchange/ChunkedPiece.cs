using System.Buffers.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// Takes what came of a chunked body apart, and puts it together again as one chunk. Where a body was cut into chunks is
/// nobody's business (RFC 9112, section 7.1), so a node and a client never get framing that was not made here.
/// </summary>
internal static class ChunkedPiece
{
    /// <summary>The longest size line and the end of a chunk, in bytes.</summary>
    public const int MaxFrame = 12;

    /// <summary>Decodes in place: the data are moved to the beginning.</summary>
    /// <param name="decoder">Knows where in the body this is.</param>
    /// <param name="bytes">What came and was not consumed.</param>
    /// <param name="data">How many of the bytes are data now.</param>
    /// <param name="consumed">How many were used up; what is behind them stays where it is.</param>
    /// <returns>False when these are no chunks; what was data before counts.</returns>
    public static bool TryDecode(ChunkDecoder decoder, Span<byte> bytes, out int data, out int consumed)
    {
        (data, consumed) = (0, 0);
        while (!decoder.IsComplete)
        {
            if (!decoder.TryRead(bytes[consumed..], out var step, out var piece))
            {
                return false;
            }

            if (step == 0)
            {
                break;
            }

            consumed += step;
            bytes.Slice(consumed - piece, piece).CopyTo(bytes[data..]);
            data += piece;
        }

        return true;
    }

    /// <summary>Writes the line before a chunk so that it ends right before <paramref name="end"/>.</summary>
    /// <returns>Where it begins.</returns>
    public static int WriteSizeBefore(Span<byte> buffer, int end, int size)
    {
        buffer[--end] = (byte)'\n';
        buffer[--end] = (byte)'\r';
        do
        {
            buffer[--end] = (byte)"0123456789abcdef"[size & 15];
            size >>= 4;
        }
        while (size > 0);
        return end;
    }

    /// <summary>Writes the line before a chunk.</summary>
    /// <returns>Its length.</returns>
    public static int WriteSize(Span<byte> buffer, int size)
    {
        Utf8Formatter.TryFormat(size, buffer, out var digits, new System.Buffers.StandardFormat('x'));
        "\r\n"u8.CopyTo(buffer[digits..]);
        return digits + 2;
    }

    /// <summary>The last chunk of a request and the trailers that may follow it.</summary>
    public static byte[] EndOfRequest(ChunkDecoder decoder) => End(decoder.Trailers.Count > 0 ? Trailers.AllowedInRequest(decoder.Trailers) : []);

    /// <summary>The last chunk of a response and the trailers that may follow it.</summary>
    public static byte[] EndOfResponse(ChunkDecoder decoder) => End(decoder.Trailers.Count > 0 ? Trailers.Allowed(decoder.Trailers) : []);

    private static byte[] End(IReadOnlyList<byte[]> trailers)
    {
        var end = new byte[5 + trailers.Sum(trailer => trailer.Length + 2)];
        "0\r\n"u8.CopyTo(end);
        var place = 3;
        foreach (var trailer in trailers)
        {
            trailer.CopyTo(end, place);
            place += trailer.Length;
            "\r\n"u8.CopyTo(end.AsSpan(place));
            place += 2;
        }

        "\r\n"u8.CopyTo(end.AsSpan(place));
        return end;
    }
}
