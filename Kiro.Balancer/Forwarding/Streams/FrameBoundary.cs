using System.Buffers.Binary;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Follows a stream of WebSocket frames (RFC 6455, section 5.2) to know where one ends and the next begins.</summary>
internal sealed class FrameBoundary
{
    private const int MaxHeaderBytes = 14;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private int _headerLength;
    private ulong _payloadLeft;

    /// <summary>Between two frames.</summary>
    public bool IsAtBoundary => _headerLength == 0 && _payloadLeft == 0;

    /// <summary>Moves on by some bytes.</summary>
    /// <returns>The place of the last boundary in them (0 to their length), or -1 when there is none.</returns>
    public int Advance(ReadOnlySpan<byte> bytes)
    {
        var last = IsAtBoundary ? 0 : -1;
        for (var place = 0; place < bytes.Length;)
        {
            if (_payloadLeft > 0)
            {
                var taken = (int)Math.Min(_payloadLeft, (ulong)(bytes.Length - place));
                _payloadLeft -= (ulong)taken;
                place += taken;
            }
            else
            {
                _header[_headerLength++] = bytes[place++];
                if (_headerLength < HeaderLength())
                {
                    continue;
                }

                _payloadLeft = PayloadLength();
                _headerLength = 0;
            }

            if (IsAtBoundary)
            {
                last = place;
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
