using System.Buffers.Binary;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// HTTP/2 over TLS that was established below HttpClient, which therefore sends <c>:scheme: http</c>: rewritten to <c>https</c>, as backends require
/// (RFC 9113, section 8.3.1). With https URLs, HttpClient would open separate connections, without a limit, for every Host.
/// </summary>
internal sealed class HttpsSchemeStream(Stream inner) : DelegatingStream(inner)
{
    private const int FrameHeaderLength = 9;
    private const byte HeadersFrameType = 1;

    // Indexed header fields of HPACK's static table (RFC 7541, appendix A).
    private const byte SchemeHttp = 0x86;
    private const byte SchemeHttps = 0x87;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    private readonly byte[] _header = new byte[FrameHeaderLength];
    private int _skip = Preface.Length;
    private int _headerLength;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // This is HttpClient's own buffer, refilled for each write.
        Rewrite(System.Runtime.InteropServices.MemoryMarshal.AsMemory(buffer).Span);
        return Inner.WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Parses frame headers (RFC 9113, section 4.1) and rewrites the scheme in HEADERS frames.</summary>
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

            var taken = Math.Min(FrameHeaderLength - _headerLength, bytes.Length);
            bytes[..taken].CopyTo(_header.AsSpan(_headerLength));
            bytes = bytes[taken..];
            _headerLength += taken;
            if (_headerLength < FrameHeaderLength)
            {
                return;
            }

            _headerLength = 0;
            _skip = (int)(BinaryPrimitives.ReadUInt32BigEndian(_header) >> 8);
            if (_header[3] == HeadersFrameType)
            {
                RewriteScheme(bytes[..Math.Min(_skip, bytes.Length)]);
            }
        }
    }

    // The scheme is among the first fields, and HttpClient uses neither padding nor priorities.
    private static void RewriteScheme(Span<byte> fields)
    {
        for (var position = 0; position < fields.Length;)
        {
            var first = fields[position];
            if (first == SchemeHttp)
            {
                fields[position] = SchemeHttps;
                return;
            }

            position++;
            if ((first & 0x80) != 0)
            {
                continue;
            }

            // A literal: its name may be an index, its value is a string (RFC 7541, section 6.2).
            if ((first & ((first & 0x40) != 0 ? 0x3F : 0x0F)) == 0)
            {
                position = SkipString(fields, position);
            }

            position = SkipString(fields, position);
        }
    }

    // RFC 7541, section 5.2. No field before the scheme is as long as 127 bytes.
    private static int SkipString(ReadOnlySpan<byte> fields, int position) => position < fields.Length ? position + 1 + (fields[position] & 0x7F) : position;
}
