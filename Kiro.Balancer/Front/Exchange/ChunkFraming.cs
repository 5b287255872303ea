using System.Buffers.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>
/// Re-chunks a body. Chunk boundaries have no meaning (RFC 9112, section 7.1), and neither side ever gets framing that was
/// not written here.
/// </summary>
internal static class ChunkFraming
{
    /// <summary>The longest chunk-size line plus the CRLF after the data, in bytes.</summary>
    public const int MaxFrame = 12;

    /// <summary>Decodes in place: the data moves to the beginning.</summary>
    /// <param name="decoder">The state of the body so far.</param>
    /// <param name="bytes">The input.</param>
    /// <param name="data">How many bytes of data there are now.</param>
    /// <param name="consumed">How many bytes of input were decoded; those behind stay where they are.</param>
    /// <returns>False on invalid chunks; the data before them is valid.</returns>
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

    /// <summary>Writes a chunk-size line so that it ends at <paramref name="end"/>.</summary>
    /// <returns>Its start.</returns>
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

    /// <summary>Writes a chunk-size line.</summary>
    /// <returns>Its length.</returns>
    public static int WriteSize(Span<byte> buffer, int size)
    {
        Utf8Formatter.TryFormat(size, buffer, out var digits, new System.Buffers.StandardFormat('x'));
        "\r\n"u8.CopyTo(buffer[digits..]);
        return digits + 2;
    }

    /// <summary>The last chunk of a request, with the trailers that may be forwarded.</summary>
    public static byte[] LastChunkOfRequest(ChunkDecoder decoder) =>
        End(decoder.Trailers.Count > 0 ? Trailers.AllowedInRequest(decoder.Trailers) : []);

    /// <summary>The last chunk of a response, with the trailers that may be forwarded.</summary>
    public static byte[] LastChunkOfResponse(ChunkDecoder decoder) =>
        End(decoder.Trailers.Count > 0 ? Trailers.Allowed(decoder.Trailers) : []);

    private static byte[] End(IReadOnlyList<byte[]> trailers)
    {
        var end = new byte[5 + trailers.Sum(trailer => trailer.Length + 2)];
        "0\r\n"u8.CopyTo(end);
        var index = 3;
        foreach (var trailer in trailers)
        {
            trailer.CopyTo(end, index);
            index += trailer.Length;
            "\r\n"u8.CopyTo(end.AsSpan(index));
            index += 2;
        }

        "\r\n"u8.CopyTo(end.AsSpan(index));
        return end;
    }
}
