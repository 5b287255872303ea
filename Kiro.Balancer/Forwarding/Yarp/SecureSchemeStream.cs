using System.Buffers.Binary;

using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// HTTP/2 over TLS that was begun below HttpClient, which therefore writes <c>:scheme: http</c>; here that becomes
/// <c>https</c>, as nodes demand (RFC 9113, section 8.3.1). Were HttpClient told, it would open connections of their own for
/// each Host of a request, and nothing would bound these.
/// </summary>
/// <param name="inner">Authenticated.</param>
internal sealed class SecureSchemeStream(Stream inner) : RelayStream(inner)
{
    private const int FrameHead = 9;
    private const byte HeadersFrame = 1;

    // Indexed fields of HPACK's static table (RFC 7541, appendix A, 6 and 7).
    private const byte SchemeHttp = 0x86;
    private const byte SchemeHttps = 0x87;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly byte[] _head = new byte[FrameHead];
    private int _skip = Preface.Length;
    private int _headLength;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // It is HttpClient's own buffer, and filled anew for each write.
        Rewrite(System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer).Span);
        return Inner.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Follows the frames (RFC 9113, section 4.1), and puts the scheme right where a block of fields begins.</summary>
    private void Rewrite(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var skipped = Math.Min(_skip, bytes.Length);
            bytes = bytes[skipped..];
            _skip -= skipped;
            if (bytes.IsEmpty)
            {
                return;
            }

            var taken = Math.Min(FrameHead - _headLength, bytes.Length);
            bytes[..taken].CopyTo(_head.AsSpan(_headLength));
            bytes = bytes[taken..];
            _headLength += taken;
            if (_headLength < FrameHead)
            {
                return;
            }

            _headLength = 0;
            _skip = (int)(BinaryPrimitives.ReadUInt32BigEndian(_head) >> 8);
            if (_head[3] == HeadersFrame)
            {
                RewriteScheme(bytes[..Math.Min(_skip, bytes.Length)]);
            }
        }
    }

    // Requests have the scheme among their first fields, and HttpClient neither pads them nor ranks them.
    private static void RewriteScheme(Span<byte> fields)
    {
        for (var place = 0; place < fields.Length;)
        {
            var first = fields[place];
            if (first == SchemeHttp)
            {
                fields[place] = SchemeHttps;
                return;
            }

            place++;
            if ((first & 0x80) != 0)
            {
                continue;
            }

            // A literal: its name is indexed, or written out, and its value is written out (RFC 7541, section 6.2).
            if ((first & ((first & 0x40) != 0 ? 0x3F : 0x0F)) == 0)
            {
                place = BehindString(fields, place);
            }

            place = BehindString(fields, place);
        }
    }

    // RFC 7541, section 5.2; none of the fields before the scheme has 127 bytes.
    private static int BehindString(ReadOnlySpan<byte> fields, int place) => place < fields.Length ? place + 1 + (fields[place] & 0x7F) : place;
}
