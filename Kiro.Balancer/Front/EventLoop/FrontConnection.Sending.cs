using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <content>Output, and what the kernel does not accept yet: first the contents of a pipe, then those of a buffer.</content>
internal abstract partial class FrontConnection
{
    private FrontPipe? _pipe;
    private byte[]? _unsent;
    private int _unsentStart;
    private int _unsentEnd;

    /// <summary>The socket buffer is full: whoever produces more must wait.</summary>
    public bool HasUnsent => _unsent is not null || _pipe is not null;

    /// <summary>Sends, and buffers what the kernel does not accept.</summary>
    /// <returns>False when the connection is lost.</returns>
    public bool TrySend(ReadOnlySpan<byte> data)
    {
        Sent += data.Length;
        return Cipher is null ? TrySendRaw(data) : Cipher.TrySend(data);
    }

    /// <summary>Like <see cref="TrySend"/>, below TLS.</summary>
    public bool TrySendRaw(ReadOnlySpan<byte> data)
    {
        if (!HasUnsent)
        {
            var sent = Socket.Send(data);
            if (sent == data.Length)
            {
                return true;
            }

            if (sent < 0)
            {
                if (Errno.Last is not (Errno.WouldBlock or Errno.Interrupted))
                {
                    return false;
                }

                sent = 0;
            }

            data = data[sent..];
        }

        Keep(data);
        return true;
    }

    /// <summary>Sends buffered output.</summary>
    /// <returns>False when the connection is lost.</returns>
    public bool TryFlush()
    {
        while (_pipe is { } pipe)
        {
            if (pipe.Drain(Socket) < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted;
            }

            if (pipe.Held == 0)
            {
                DropPipe();
            }
        }

        while (_unsent is { } unsent)
        {
            var sent = Socket.Send(unsent.AsSpan(_unsentStart, _unsentEnd - _unsentStart));
            if (sent < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted;
            }

            _unsentStart += sent;
            if (_unsentStart == _unsentEnd)
            {
                DropUnsent();
            }
        }

        return true;
    }

    /// <summary>
    /// Moves part of a body from another connection: spliced by the kernel where that pays, otherwise received into the loop's
    /// <see cref="FrontLoop.Input"/> for the caller to forward.
    /// </summary>
    /// <param name="from">The source.</param>
    /// <param name="left">Bytes still to come of a body of known length; otherwise 0.</param>
    /// <param name="needsMore">Whether the source's buffered input is incomplete, so that more must be received.</param>
    /// <param name="count">As <see cref="Fill"/> returns it.</param>
    public Passage TakeFrom(FrontConnection from, long left, bool needsMore, out int count)
    {
        // The kernel cannot encrypt or decrypt.
        if (from.HasStored || Cipher is not null || from.Cipher is not null || Loop.Pipes.TryRent(left) is not { } pipe)
        {
            count = from.Fill(needsMore);
            return Passage.Received;
        }

        count = from.Receive(pipe, (int)Math.Min(left, FrontPipe.Capacity));
        if (count <= 0)
        {
            Loop.Pipes.Return(pipe);
            return Passage.Received;
        }

        Sent += count;
        _pipe = pipe;
        return TryFlush() ? Passage.PassedOn : Passage.Lost;
    }

    protected void DropUnsent()
    {
        DropPipe();
        if (_unsent is { } unsent)
        {
            _unsent = null;
            _unsentStart = _unsentEnd = 0;
            Loop.Buffers.Return(unsent);
        }
    }

    private void Keep(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return;
        }

        if (_unsent is null)
        {
            _unsent = Loop.Buffers.Rent(data.Length);
        }
        else if (_unsentEnd + data.Length > _unsent.Length)
        {
            var wider = Loop.Buffers.Rent(_unsentEnd - _unsentStart + data.Length);
            _unsent.AsSpan(_unsentStart, _unsentEnd - _unsentStart).CopyTo(wider);
            Loop.Buffers.Return(_unsent);
            (_unsent, _unsentEnd, _unsentStart) = (wider, _unsentEnd - _unsentStart, 0);
        }

        data.CopyTo(_unsent.AsSpan(_unsentEnd));
        _unsentEnd += data.Length;
    }

    private void DropPipe()
    {
        if (_pipe is { } pipe)
        {
            _pipe = null;
            Loop.Pipes.Return(pipe);
        }
    }
}

/// <summary>Where the bytes taken from another connection are.</summary>
internal enum Passage
{
    /// <summary>In the loop's Input, if there were any.</summary>
    Received,

    /// <summary>Sent, or in a pipe to be sent.</summary>
    PassedOn,

    /// <summary>Lost, with the connection that should have sent them.</summary>
    Lost,
}
