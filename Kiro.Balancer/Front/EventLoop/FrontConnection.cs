using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// One end of a conversation: a socket, whether it has something to read, what the kernel did not take yet of what was
/// sent, and a deadline. Lives on one loop, from its thread alone.
/// </summary>
internal abstract partial class FrontConnection(FrontLoop loop, FrontSocket socket) : TimedItem
{
    private byte[]? _stored;
    private int _storedLength;

    public FrontLoop Loop { get; } = loop;

    public FrontSocket Socket { get; } = socket;

    /// <summary>Between what is received and sent here and the socket; null when these are the same bytes.</summary>
    public IConnectionCipher? Cipher { get; protected set; }

    /// <summary>Tells this connection's events from those of another one that had the same descriptor before.</summary>
    public uint Generation { get; set; }

    /// <summary>A receive may bring something.</summary>
    public bool IsReadable { get; set; }

    /// <summary>The other end has sent all that it will.</summary>
    public bool PeerHasEnded { get; set; }

    /// <summary>Bytes that were sent, or kept to be, since somebody last set it to 0.</summary>
    public long Sent { get; set; }

    /// <summary>Bytes that were received since somebody last set it to 0.</summary>
    public long Received { get; set; }

    /// <summary>Waits for its next turn.</summary>
    public bool IsQueued { get; set; }

    public bool IsClosed => Socket.Descriptor < 0;

    /// <summary>Something was received that could not be used yet.</summary>
    public bool HasStored => _stored is not null;

    /// <summary>Takes note of events and acts on them.</summary>
    public abstract void OnEvents(Readiness events);

    /// <summary>Goes on with what was left for another turn.</summary>
    public abstract void OnTurn();

    /// <summary>The process stops, or something went wrong that should not have: cut it off.</summary>
    public abstract void Abort();

    /// <summary>Receives what is there, and takes note of what that says.</summary>
    /// <returns>Bytes; 0 at the end; -1 when there is nothing now; -2 when the connection is lost.</returns>
    public int Receive(Span<byte> room)
    {
        if (Cipher is null)
        {
            var received = ReceiveRaw(room);
            Received += Math.Max(0, received);
            return received;
        }

        var count = Cipher.Receive(room, out var mayHaveMore);
        Received += Math.Max(0, count);
        PeerHasEnded |= count == 0;
        IsReadable = count != 0 && (IsReadable || mayHaveMore);
        return count;
    }

    /// <summary>The same for what is on the wire.</summary>
    public int ReceiveRaw(Span<byte> room)
    {
        var count = Socket.Receive(room);
        if (count > 0)
        {
            // Less than asked for: there is no more, unless the end is.
            IsReadable = count == room.Length || PeerHasEnded;
            return count;
        }

        return NoteNothing(count);
    }

    /// <summary>Receives what is there into a pipe that is empty.</summary>
    /// <returns>As <see cref="Receive(Span{byte})"/>.</returns>
    public int Receive(FrontPipe pipe, int max)
    {
        var count = pipe.Fill(Socket, max);
        if (count > 0)
        {
            // Fewer than asked for may be all that the pipe has room for.
            Received += count;
            return count;
        }

        return NoteNothing(count);
    }

    /// <summary>
    /// Brings what was stored, and behind it what is there to receive, into the loop's <see cref="FrontLoop.Input"/>, from
    /// <see cref="FrontLoop.Lead"/> on.
    /// </summary>
    /// <param name="needsMore">Whether what was stored is of no use alone.</param>
    /// <returns>All bytes that are there now; otherwise as <see cref="Receive(Span{byte})"/>, and what was stored stays so.</returns>
    public int Fill(bool needsMore)
    {
        var room = Loop.Input.AsSpan(FrontLoop.Lead, FrontLoop.ReceiveSize);
        var stored = _stored is null ? 0 : _storedLength;
        if (stored == 0 || needsMore)
        {
            if (!IsReadable)
            {
                return -1;
            }

            var count = Receive(room[stored..]);
            if (count <= 0)
            {
                return count;
            }

            stored += count;
        }

        if (_stored is not null)
        {
            _stored.AsSpan(0, _storedLength).CopyTo(room);
            DropStored();
        }

        return stored;
    }

    /// <summary>Keeps what cannot be used yet.</summary>
    public void Store(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _stored = Loop.Buffers.Rent(bytes.Length);
            bytes.CopyTo(_stored);
            _storedLength = bytes.Length;
        }
    }

    /// <summary>Has <see cref="TimedItem.OnDeadline"/> called after so many milliseconds, unless it is set anew.</summary>
    public void SetDeadline(long milliseconds) => Loop.SetDeadline(this, Loop.Now + milliseconds);

    public void ClearDeadline() => Deadline = long.MaxValue;

    /// <summary>Closes the socket and gives back what is held.</summary>
    protected void Release(bool byReset)
    {
        Cipher?.Dispose();
        DropUnsent();
        DropStored();
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

    protected void DropStored()
    {
        if (_stored is { } stored)
        {
            _stored = null;
            Loop.Buffers.Return(stored);
        }
    }

    private int NoteNothing(int count)
    {
        if (count == 0)
        {
            PeerHasEnded = true;
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

/// <summary>What stands between the bytes of a connection and those of its socket: TLS. For the loop's own thread.</summary>
internal interface IConnectionCipher : IDisposable
{
    /// <summary>Deciphers what is there to receive.</summary>
    /// <param name="room">At least 16 KiB.</param>
    /// <param name="mayHaveMore">Whether more is there than had room, or could be told at once.</param>
    /// <returns>As <see cref="FrontConnection.Receive(Span{byte})"/>.</returns>
    int Receive(Span<byte> room, out bool mayHaveMore);

    /// <summary>Enciphers and sends, or keeps what the kernel does not take.</summary>
    /// <returns>False when the connection is lost.</returns>
    bool TrySend(ReadOnlySpan<byte> data);

    /// <summary>Tells the other end that nothing more comes, so that it can tell the end from a torn connection.</summary>
    void SayEnd();
}
