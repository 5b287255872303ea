namespace Kiro.SideBySide.Load;

/// <summary>Parses a chunked body (RFC 9112, section 7.1) incrementally.</summary>
internal sealed class ChunkReader
{
    private Part _part;
    private long _size;
    private bool _lineIsEmpty;

    private enum Part
    {
        Size,
        Extension,
        Data,
        DataEnd,
        Trailers,
        Done,
    }

    public long BodyLength { get; private set; }

    public void Reset() => (_part, _size, _lineIsEmpty, BodyLength) = (Part.Size, 0, true, 0);

    public ResponseState Read(ReadOnlySpan<byte> received)
    {
        for (var at = 0; at < received.Length; at++)
        {
            if (_part == Part.Done)
            {
                return ResponseState.Broken;
            }

            if (_part == Part.Data)
            {
                var take = (int)Math.Min(_size, received.Length - at);
                BodyLength += take;
                _size -= take;
                at += take - 1;
                _part = _size == 0 ? Part.DataEnd : Part.Data;
            }
            else if (!Read(received[at]))
            {
                return ResponseState.Broken;
            }
        }

        return _part == Part.Done ? ResponseState.Whole : ResponseState.Partial;
    }

    private bool Read(byte next)
    {
        switch (_part)
        {
            case Part.Size when char.IsAsciiHexDigit((char)next):
                _size = (_size << 4) + Convert.ToInt32(((char)next).ToString(), 16);
                _lineIsEmpty = false;
                return _size < int.MaxValue;
            case Part.Size or Part.Extension when next == '\n':
                _part = _size > 0 ? Part.Data : Part.Trailers;
                (var wasEmpty, _lineIsEmpty) = (_lineIsEmpty, true);
                return !wasEmpty;
            case Part.Size:
                _part = Part.Extension;
                return next is (byte)'\r' or (byte)';' or (byte)' ';
            case Part.DataEnd:
                _part = next == '\n' ? Part.Size : Part.DataEnd;
                return next is (byte)'\r' or (byte)'\n';
            case Part.Trailers when next == '\n':
                _part = _lineIsEmpty ? Part.Done : Part.Trailers;
                _lineIsEmpty = true;
                return true;
            case Part.Trailers:
                _lineIsEmpty &= next == '\r';
                return true;
            default:
                return true;
        }
    }
}
