using System.Buffers.Text;
using System.Text;

namespace Kiro.SideBySide.Load;

/// <summary>
/// Parses responses incrementally. Supports what proxies send to a client that does not pipeline: a Content-Length,
/// or chunks; a response delimited by closing the connection counts as broken.
/// </summary>
internal sealed class ResponseReader
{
    private readonly byte[] _head = new byte[16 * 1024];
    private readonly ChunkReader _chunks = new();
    private int _headLength;
    private bool _isInBody;
    private bool _isChunked;
    private long _left;

    public int Status { get; private set; }

    /// <summary>The length of the body, without chunk framing.</summary>
    public long BodyLength { get; private set; }

    /// <summary>Whether the sender closes the connection after this response.</summary>
    public bool Closes { get; private set; }

    public void Reset() => (_headLength, _isInBody, Status, BodyLength, Closes) = (0, false, 0, 0, false);

    public ResponseState Read(ReadOnlySpan<byte> received)
    {
        if (_isInBody)
        {
            return ReadBody(received);
        }

        var head = received;
        var before = _headLength;
        if (before > 0)
        {
            if (before + received.Length > _head.Length)
            {
                received = received[..(_head.Length - before)];
            }

            received.CopyTo(_head.AsSpan(before));
            head = _head.AsSpan(0, before + received.Length);
        }

        var end = head.IndexOf("\r\n\r\n"u8);
        if (end >= 0)
        {
            _isInBody = true;
            return ReadHead(head[..(end + 2)]) ? ReadBody(head[(end + 4)..]) : ResponseState.Broken;
        }

        if (head.Length >= _head.Length)
        {
            return ResponseState.Broken;
        }

        head.CopyTo(_head);
        _headLength = head.Length;
        return ResponseState.Partial;
    }

    private bool ReadHead(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 "u8) || !Utf8Parser.TryParse(head[9..], out int status, out _))
        {
            return false;
        }

        Status = status;
        _isChunked = false;
        _left = -1;
        for (var line = head.IndexOf("\r\n"u8); line + 2 < head.Length;)
        {
            head = head[(line + 2)..];
            line = head.IndexOf("\r\n"u8);
            ReadField(head[..line]);
        }

        _chunks.Reset();
        return _isChunked || _left >= 0;
    }

    private void ReadField(ReadOnlySpan<byte> field)
    {
        var colon = field.IndexOf((byte)':');
        var name = colon < 0 ? field : field[..colon];
        var value = field[(colon + 1)..].Trim((byte)' ');
        if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            _left = Utf8Parser.TryParse(value, out long length, out _) ? length : -1;
        }
        else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            _isChunked = Ascii.EqualsIgnoreCase(value, "chunked"u8);
        }
        else if (Ascii.EqualsIgnoreCase(name, "connection"u8))
        {
            Closes = Ascii.EqualsIgnoreCase(value, "close"u8);
        }
    }

    private ResponseState ReadBody(ReadOnlySpan<byte> received)
    {
        if (_isChunked)
        {
            var state = _chunks.Read(received);
            BodyLength = _chunks.BodyLength;
            return state;
        }

        BodyLength += received.Length;
        _left -= received.Length;
        return _left switch { > 0 => ResponseState.Partial, 0 => ResponseState.Whole, _ => ResponseState.Broken };
    }
}

internal enum ResponseState
{
    /// <summary>Incomplete.</summary>
    Partial,

    /// <summary>Complete.</summary>
    Whole,

    /// <summary>Not an HTTP/1.1 response, or more than one.</summary>
    Broken,
}
