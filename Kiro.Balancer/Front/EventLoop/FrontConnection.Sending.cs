using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <content>Output, and what the kernel does not accept yet: first the contents of a pipe, then those of a buffer.</content>
internal abstract partial class FrontConnection
{
    private SplicePipe? _pipe;
    private byte[]? _output;
    private int _outputStart;
    private int _outputEnd;

    /// <summary>The socket buffer is full: whoever produces more must wait.</summary>
    public bool HasPendingOutput => _output is not null || _pipe is not null;

    /// <summary>Sends, and buffers what the kernel does not accept.</summary>
    /// <returns>False when the connection is lost.</returns>
    public bool TrySend(ReadOnlySpan<byte> data)
    {
        var isSent = Cipher is null ? TrySendRaw(data) : Cipher.TrySend(data);
        BytesSent += isSent ? data.Length : 0;
        return isSent;
    }

    /// <summary>Like <see cref="TrySend"/>, below TLS.</summary>
    public bool TrySendRaw(ReadOnlySpan<byte> data)
    {
        if (!HasPendingOutput)
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

        BufferOutput(data);
        return true;
    }

    /// <summary>Sends buffered output.</summary>
    /// <returns>False when the connection is lost.</returns>
    public bool TryFlush()
    {
        while (_pipe is { } pipe)
        {
            if (pipe.SendTo(Socket) < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted;
            }

            if (pipe.Length == 0)
            {
                ReturnPipe();
            }
        }

        while (_output is { } output)
        {
            var sent = Socket.Send(output.AsSpan(_outputStart, _outputEnd - _outputStart));
            if (sent < 0)
            {
                return Errno.Last is Errno.WouldBlock or Errno.Interrupted;
            }

            _outputStart += sent;
            if (_outputStart == _outputEnd)
            {
                DiscardOutput();
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
    public TransferResult TransferFrom(FrontConnection from, long left, bool needsMore, out int count)
    {
        // The kernel cannot encrypt or decrypt.
        if (from.HasBufferedInput || Cipher is not null || from.Cipher is not null || Loop.Pipes.TryRent(left) is not { } pipe)
        {
            count = from.Fill(needsMore);
            return TransferResult.Received;
        }

        count = from.Receive(pipe, (int)Math.Min(left, SplicePipe.Capacity));
        if (count <= 0)
        {
            Loop.Pipes.Return(pipe);
            return TransferResult.Received;
        }

        BytesSent += count;
        _pipe = pipe;
        return TryFlush() ? TransferResult.Forwarded : TransferResult.Lost;
    }

    protected void DiscardOutput()
    {
        ReturnPipe();
        if (_output is { } output)
        {
            _output = null;
            _outputStart = _outputEnd = 0;
            Loop.Buffers.Return(output);
        }
    }

    private void BufferOutput(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return;
        }

        if (_output is null)
        {
            _output = Loop.Buffers.Rent(data.Length);
        }
        else if (_outputEnd + data.Length > _output.Length)
        {
            var larger = Loop.Buffers.Rent(_outputEnd - _outputStart + data.Length);
            _output.AsSpan(_outputStart, _outputEnd - _outputStart).CopyTo(larger);
            Loop.Buffers.Return(_output);
            (_output, _outputEnd, _outputStart) = (larger, _outputEnd - _outputStart, 0);
        }

        data.CopyTo(_output.AsSpan(_outputEnd));
        _outputEnd += data.Length;
    }

    private void ReturnPipe()
    {
        if (_pipe is { } pipe)
        {
            _pipe = null;
            Loop.Pipes.Return(pipe);
        }
    }
}

/// <summary>Where the bytes taken from another connection are.</summary>
internal enum TransferResult
{
    /// <summary>In the loop's Input, if there were any.</summary>
    Received,

    /// <summary>Sent, or in a pipe to be sent.</summary>
    Forwarded,

    /// <summary>Lost, with the connection that should have sent them.</summary>
    Lost,
}
