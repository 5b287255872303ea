using System.Text;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>How far a sending got.</summary>
internal enum Sending
{
    Done,

    /// <summary>The kernel has no room for more.</summary>
    Waits,

    /// <summary>The connection is lost.</summary>
    Lost,
}

/// <summary>
/// A request as a node gets it: the head, a kept body, or as much of a streamed one as came with the head. It can be sent
/// again from the beginning.
/// </summary>
internal sealed class OutgoingRequest(FrontLoop loop)
{
    /// <summary>Larger ones are given back as soon as they are not needed any more; in bytes.</summary>
    private const int SmallSize = 4096;

    private byte[] _bytes = [];
    private int _sent;

    public int Length { get; private set; }

    public bool IsSent => _sent == Length;

    /// <summary>What is there.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>Room behind what is there.</summary>
    public Span<byte> Room => _bytes.AsSpan(Length);

    /// <summary>Begins a request that needs so many bytes at most.</summary>
    public void Begin(int length)
    {
        _bytes = loop.Buffers.Rent(length);
        Length = _sent = 0;
    }

    public void Advance(int length) => Length += length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room);
        Length += bytes.Length;
    }

    /// <summary>Nothing is sent, as far as the next node is concerned.</summary>
    public void Rewind() => _sent = 0;

    /// <summary>Puts something in the place of a part of it.</summary>
    public void Replace(int start, int length, ReadOnlySpan<byte> with)
    {
        var before = _bytes;
        _bytes = loop.Buffers.Rent(Length - length + with.Length);
        before.AsSpan(0, start).CopyTo(_bytes);
        with.CopyTo(_bytes.AsSpan(start));
        before.AsSpan(start + length, Length - start - length).CopyTo(_bytes.AsSpan(start + with.Length));
        Length += with.Length - length;
        loop.Buffers.Return(before);
    }

    /// <summary>Writes over what stands behind a text, if that is there.</summary>
    public void Overwrite(ReadOnlySpan<byte> text, ReadOnlySpan<byte> with)
    {
        if (Bytes.IndexOf(text) is >= 0 and var place)
        {
            with.CopyTo(_bytes.AsSpan(place + text.Length));
        }
    }

    /// <summary>The method, for whoever tells of this request.</summary>
    public string Method
    {
        get
        {
            var method = Bytes[..Math.Max(0, Bytes.IndexOf((byte)' '))];
            return method.SequenceEqual("GET"u8) ? HttpMethods.Get : Encoding.ASCII.GetString(method);
        }
    }

    /// <summary>What the client accepts, if it says so.</summary>
    public string? Accept
    {
        get
        {
            foreach (var range in Bytes.Split("\r\n"u8))
            {
                var line = Bytes[range];
                if (line.IsEmpty)
                {
                    break;
                }

                if (line.Length > 7 && Ascii.EqualsIgnoreCase(line[..7], "Accept:"u8))
                {
                    return Encoding.Latin1.GetString(line[7..]);
                }
            }

            return null;
        }
    }

    /// <summary>The path as the client wrote it, without the query, which may hold secrets.</summary>
    public string Path
    {
        get
        {
            var rest = Bytes[(Bytes.IndexOf((byte)' ') + 1)..];
            var end = rest.IndexOfAny((byte)' ', (byte)'?', (byte)'\r');
            return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
        }
    }

    public Sending SendTo(BackendConnection node)
    {
        while (_sent < Length)
        {
            var sent = node.Socket.Send(_bytes.AsSpan(_sent, Length - _sent));
            if (sent < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted ? Sending.Waits : Sending.Lost;
            }

            _sent += sent;
            node.Sent += sent;
        }

        return Sending.Done;
    }

    /// <summary>It will not be sent again: of a large one only the first line is kept, for whoever asks what this was about.</summary>
    public void Settle()
    {
        if (_bytes.Length <= SmallSize)
        {
            return;
        }

        var line = _bytes.AsSpan(0, Math.Min(Length, SmallSize));
        var end = line.IndexOf((byte)'\r');
        var kept = loop.Buffers.Rent(SmallSize);
        line.CopyTo(kept);
        loop.Buffers.Return(_bytes);
        _bytes = kept;
        Length = _sent = end < 0 ? line.Length : end + 2;
    }

    public void Release()
    {
        if (_bytes.Length > 0)
        {
            loop.Buffers.Return(_bytes);
            _bytes = [];
        }

        Length = _sent = 0;
    }
}
