using System.Net;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>The listening sockets that this process was given, and those that it may give away.</summary>
internal sealed class ListenSockets
{
    private readonly Lock _changing = new();
    private readonly List<(IPEndPoint Address, int Descriptor)> _given = [];
    private readonly List<ISharedListener> _open = [];

    /// <summary>The listeners of this process.</summary>
    public IReadOnlyList<ISharedListener> Open
    {
        get
        {
            lock (_changing)
            {
                return [.. _open];
            }
        }
    }

    /// <summary>Those that were given and that no listener wanted.</summary>
    public IReadOnlyList<IPEndPoint> Unwanted
    {
        get
        {
            lock (_changing)
            {
                return [.. _given.Select(socket => socket.Address)];
            }
        }
    }

    /// <summary>Notes a socket that listens already.</summary>
    public void Give(IPEndPoint address, int descriptor)
    {
        lock (_changing)
        {
            _given.Add((address, descriptor));
        }
    }

    /// <summary>The socket for an address, if one was given; it is the caller's from then on. A socket for every address of one
    /// family will do where both families are meant.</summary>
    /// <returns>Its descriptor, or null.</returns>
    public int? Take(IPEndPoint address)
    {
        lock (_changing)
        {
            var place = _given.FindIndex(socket => socket.Address.Equals(address));
            if (place < 0 && IsAny(address))
            {
                place = _given.FindIndex(socket => socket.Address.Port == address.Port && IsAny(socket.Address));
            }

            if (place < 0)
            {
                return null;
            }

            var descriptor = _given[place].Descriptor;
            _given.RemoveAt(place);
            return descriptor;
        }
    }

    /// <summary>Closes what no listener wanted.</summary>
    public void CloseUnwanted()
    {
        lock (_changing)
        {
            _given.ForEach(socket => _ = DescriptorMessage.Close(socket.Descriptor));
            _given.Clear();
        }
    }

    public void Add(ISharedListener listener)
    {
        lock (_changing)
        {
            _open.Add(listener);
        }
    }

    public void Remove(ISharedListener listener)
    {
        lock (_changing)
        {
            _open.Remove(listener);
        }
    }

    private static bool IsAny(IPEndPoint address) => address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.IPv6Any);
}

/// <summary>A listener whose socket another process may get, too.</summary>
internal interface ISharedListener
{
    /// <summary>Where it listens.</summary>
    IPEndPoint Address { get; }

    /// <summary>Its socket.</summary>
    int Descriptor { get; }

    /// <summary>Leaves what comes from now on to the others that have the socket. What was accepted is served; the socket stays
    /// open until the listener ends.</summary>
    Task StopAcceptingAsync();
}
