using System.Buffers.Binary;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Finds the frame boundaries in a WebSocket stream (RFC 6455, section 5.2).</summary>
internal sealed class FrameBoundary
{
    private const int MaxHeaderBytes = 14;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private int _headerLength;
    private ulong _payloadRemaining;

    /// <summary>Whether the stream is between two frames.</summary>
    public bool IsAtBoundary => _headerLength == 0 && _payloadRemaining == 0;

    /// <returns>The offset of the last boundary in the bytes (0 to their length), or -1 if there is none.</returns>
    public int Advance(ReadOnlySpan<byte> bytes)
    {
        var last = IsAtBoundary ? 0 : -1;
        for (var position = 0; position < bytes.Length;)
        {
            if (_payloadRemaining > 0)
            {
                var taken = (int)Math.Min(_payloadRemaining, (ulong)(bytes.Length - position));
                _payloadRemaining -= (ulong)taken;
                position += taken;
            }
            else
            {
                _header[_headerLength++] = bytes[position++];
                if (_headerLength < HeaderLength())
                {
                    continue;
                }

                _payloadRemaining = PayloadLength();
                _headerLength = 0;
            }

            if (IsAtBoundary)
            {
                last = position;
            }
        }

        return last;
    }

    private int HeaderLength() => _headerLength < 2 ? 2
        : 2 + (_header[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 } + ((_header[1] & 0x80) != 0 ? 4 : 0);

    private ulong PayloadLength() => (_header[1] & 0x7F) switch
    {
        126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
        127 => BinaryPrimitives.ReadUInt64BigEndian(_header.AsSpan(2)),
        var length => (ulong)length,
    };
}
