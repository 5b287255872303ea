using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>The listening sockets that this process was given, and those that it may give away.</summary>
internal sealed class ListenSockets
{
    private readonly Lock _changing = new();
    private readonly List<(IPEndPoint Address, int Descriptor)> _inherited = [];
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
    public IReadOnlyList<IPEndPoint> Unclaimed
    {
        get
        {
            lock (_changing)
            {
                return [.. _inherited.Select(socket => socket.Address)];
            }
        }
    }

    /// <summary>Notes a socket that listens already.</summary>
    public void Inherit(IPEndPoint address, int descriptor)
    {
        lock (_changing)
        {
            _inherited.Add((address, descriptor));
        }
    }

    /// <summary>The socket for an address, if one was given; it is the caller's from then on. A socket for every address of one
    /// family will do where both families are meant.</summary>
    /// <returns>Its descriptor, or null.</returns>
    public int? Take(IPEndPoint address)
    {
        lock (_changing)
        {
            var place = _inherited.FindIndex(socket => socket.Address.Equals(address));
            if (place < 0 && IsAny(address))
            {
                place = _inherited.FindIndex(socket => socket.Address.Port == address.Port && IsAny(socket.Address));
            }

            if (place < 0)
            {
                return null;
            }

            var descriptor = _inherited[place].Descriptor;
            _inherited.RemoveAt(place);
            return descriptor;
        }
    }

    /// <summary>Closes what no listener wanted.</summary>
    public void CloseUnclaimed()
    {
        lock (_changing)
        {
            _inherited.ForEach(socket => _ = DescriptorMessage.Close(socket.Descriptor));
            _inherited.Clear();
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

/// <summary>The sockets that systemd, or <c>systemd-socket-activate</c>, opened for this process (sd_listen_fds(3)).</summary>
internal static class SystemdSockets
{
    private const int First = 3;

    /// <summary>Notes them.</summary>
    /// <exception cref="StartRefusedException">One of them is no TCP socket that listens.</exception>
    public static void Collect(ListenSockets sockets)
    {
        var (process, text) = (Environment.GetEnvironmentVariable("LISTEN_PID"), Environment.GetEnvironmentVariable("LISTEN_FDS"));
        if (process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return;
        }

        for (var descriptor = First; descriptor < First + count; descriptor++)
        {
            sockets.Inherit(AddressOf(descriptor), descriptor);
        }

        // They are taken: nobody who comes after is to take them again.
        foreach (var name in (string[])["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
        {
            Environment.SetEnvironmentVariable(name, null);
        }
    }

    /// <summary>Where a socket listens.</summary>
    /// <exception cref="StartRefusedException">It does not.</exception>
    public static IPEndPoint AddressOf(int descriptor)
    {
        try
        {
            using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false));
            if (socket is { SocketType: SocketType.Stream, LocalEndPoint: IPEndPoint address } && Listens(socket))
            {
                return address;
            }
        }
        catch (SocketException)
        {
            // No socket at all.
        }

        throw new StartRefusedException([$"LISTEN_FDS: descriptor {descriptor} is no TCP socket that listens. A socket unit needs ListenStream=, and Accept=no."]);
    }

    private static bool Listens(Socket socket) => socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0;
}
