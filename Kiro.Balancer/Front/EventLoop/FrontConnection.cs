using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// A non-blocking connection on an event loop: its socket, readiness, buffered input and output, and a deadline. Used by
/// the loop's thread only.
/// </summary>
internal abstract partial class FrontConnection(FrontLoop loop, FrontSocket socket) : TimerEntry
{
    private byte[]? _input;
    private int _inputLength;

    public FrontLoop Loop { get; } = loop;

    public FrontSocket Socket { get; } = socket;

    /// <summary>TLS, or null on a plain connection.</summary>
    public IConnectionCipher? Cipher { get; protected set; }

    /// <summary>Tells this connection's events from those of an earlier one with the same descriptor.</summary>
    public uint Generation { get; set; }

    /// <summary>A receive may return something: events are edge-triggered.</summary>
    public bool IsReadable { get; set; }

    /// <summary>The peer has sent FIN.</summary>
    public bool PeerHasClosed { get; set; }

    /// <summary>Bytes sent or buffered to be sent since the counter was last reset.</summary>
    public long BytesSent { get; set; }

    /// <summary>Bytes received since the counter was last reset.</summary>
    public long BytesReceived { get; set; }

    /// <summary>Whether <see cref="OnTurn"/> is due.</summary>
    public bool IsQueued { get; set; }

    public bool IsClosed => Socket.Descriptor < 0;

    /// <summary>Whether input was received that could not be processed yet.</summary>
    public bool HasBufferedInput => _input is not null;

    /// <summary>Handles readiness events.</summary>
    public abstract void OnEvents(EpollEvents events);

    /// <summary>Continues work that was left for the next iteration of the loop.</summary>
    public abstract void OnTurn();

    /// <summary>Closes the connection after an internal error, or at shutdown.</summary>
    public abstract void Abort();

    /// <summary>Receives into a buffer, and updates the readiness.</summary>
    /// <returns>The number of bytes; 0 on FIN; -1 when there is nothing yet; -2 when the connection is lost.</returns>
    public int Receive(Span<byte> buffer)
    {
        if (Cipher is null)
        {
            var received = ReceiveRaw(buffer);
            BytesReceived += Math.Max(0, received);
            return received;
        }

        var count = Cipher.Receive(buffer, out var mayHaveMore);
        BytesReceived += Math.Max(0, count);
        PeerHasClosed |= count == 0;
        IsReadable = count != 0 && (IsReadable || mayHaveMore);
        return count;
    }

    /// <summary>Like <see cref="Receive(Span{byte})"/>, below TLS.</summary>
    public int ReceiveRaw(Span<byte> buffer)
    {
        var count = Socket.Receive(buffer);
        if (count > 0)
        {
            // A short read means the socket is drained, unless a FIN follows.
            IsReadable = count == buffer.Length || PeerHasClosed;
            return count;
        }

        return OnNothingReceived(count);
    }

    /// <summary>Receives into an empty pipe.</summary>
    /// <returns>As <see cref="Receive(Span{byte})"/>.</returns>
    public int Receive(SplicePipe pipe, int max)
    {
        var count = pipe.ReceiveFrom(Socket, max);
        if (count > 0)
        {
            // A short splice may only mean that the pipe is full.
            BytesReceived += count;
            return count;
        }

        return OnNothingReceived(count);
    }

    /// <summary>
    /// Moves buffered input, followed by what can be received now, into the loop's <see cref="FrontLoop.Input"/> at
    /// <see cref="FrontLoop.Headroom"/>.
    /// </summary>
    /// <param name="needsMore">Whether the buffered input is incomplete, so that more must be received.</param>
    /// <returns>The number of bytes; otherwise as <see cref="Receive(Span{byte})"/>, and the input stays buffered.</returns>
    public int Fill(bool needsMore)
    {
        var buffer = Loop.Input.AsSpan(FrontLoop.Headroom, FrontLoop.ReceiveSize);
        var buffered = _input is null ? 0 : _inputLength;
        if (buffered == 0 || needsMore)
        {
            if (!IsReadable)
            {
                return -1;
            }

            var count = Receive(buffer[buffered..]);
            if (count <= 0)
            {
                return count;
            }

            buffered += count;
        }

        if (_input is not null)
        {
            _input.AsSpan(0, _inputLength).CopyTo(buffer);
            DiscardInput();
        }

        return buffered;
    }

    /// <summary>Buffers input that cannot be processed yet.</summary>
    public void BufferInput(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _input = Loop.Buffers.Rent(bytes.Length);
            bytes.CopyTo(_input);
            _inputLength = bytes.Length;
        }
    }

    /// <summary>Has <see cref="TimerEntry.OnDeadline"/> called after this time, unless the deadline changes before.</summary>
    public void SetDeadline(long milliseconds) => Loop.SetDeadline(this, Loop.Now + milliseconds);

    public void ClearDeadline() => Deadline = long.MaxValue;

    /// <summary>Closes the socket and returns the buffers.</summary>
    protected void Release(bool byReset)
    {
        Cipher?.Dispose();
        DiscardOutput();
        DiscardInput();
        Loop.Remove(this);
        if (byReset)
        {
            Socket.Reset();
        }
        else
        {
            Socket.Close();
        }
    }

    protected void DiscardInput()
    {
        if (_input is { } buffered)
        {
            _input = null;
            Loop.Buffers.Return(buffered);
        }
    }

    private int OnNothingReceived(int count)
    {
        if (count == 0)
        {
            PeerHasClosed = true;
            IsReadable = false;
            return 0;
        }

        var error = Errno.Last;
        if (error == Errno.Interrupted)
        {
            return -1;
        }

        IsReadable = false;
        return error == Errno.WouldBlock ? -1 : -2;
    }
}

/// <summary>TLS between a connection and its socket. Used by the loop's thread only.</summary>
internal interface IConnectionCipher : IDisposable
{
    /// <summary>Receives and decrypts.</summary>
    /// <param name="buffer">At least 16 KiB.</param>
    /// <param name="mayHaveMore">Whether another call may return more, or the end.</param>
    /// <returns>As <see cref="FrontConnection.Receive(Span{byte})"/>.</returns>
    int Receive(Span<byte> buffer, out bool mayHaveMore);

    /// <summary>Encrypts and sends, and buffers what the kernel does not accept.</summary>
    /// <returns>False when the connection is lost.</returns>
    bool TrySend(ReadOnlySpan<byte> data);

    /// <summary>Sends close_notify, so that the peer can tell the end from a truncation.</summary>
    void SendCloseNotify();
}
