namespace Kiro.Balancer.Front.Native;

/// <summary>Ends a wait for events from another thread (eventfd).</summary>
internal sealed unsafe class WakeDescriptor : IDisposable
{
    private readonly Lock _closing = new();
    private bool _isClosed;

    /// <exception cref="System.Net.Sockets.SocketException">There are no descriptors left.</exception>
    public WakeDescriptor()
    {
        Descriptor = Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking);
        if (Descriptor < 0)
        {
            throw Errno.ToException(Errno.Last);
        }
    }

    public int Descriptor { get; }

    /// <summary>From any thread, also after the end.</summary>
    public void Set()
    {
        // The number could be another file's by then.
        lock (_closing)
        {
            if (!_isClosed)
            {
                ulong one = 1;
                _ = Libc.Write(Descriptor, (byte*)&one, sizeof(ulong));
            }
        }
    }

    /// <summary>Takes note of all wake-ups so far.</summary>
    public void Clear()
    {
        ulong count;
        _ = Libc.Read(Descriptor, (byte*)&count, sizeof(ulong));
    }

    public void Dispose()
    {
        lock (_closing)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _ = Libc.Close(Descriptor);
            }
        }
    }
}
