using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>The listening sockets that this process has inherited, and those that it can hand over.</summary>
internal sealed class ListenSockets
{
    private readonly Lock _changing = new();
    private readonly List<(IPEndPoint Address, int Descriptor)> _inherited = [];
    private readonly List<ISharedListener> _open = [];

    /// <summary>The open listeners of this process.</summary>
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

    /// <summary>Inherited sockets that no listener has claimed.</summary>
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

    /// <summary>Adds an inherited listening socket.</summary>
    public void Inherit(IPEndPoint address, int descriptor)
    {
        lock (_changing)
        {
            _inherited.Add((address, descriptor));
        }
    }

    /// <summary>Claims the inherited socket of an address. For the wildcard address of both families, one for either family will do.</summary>
    /// <returns>The descriptor, now owned by the caller, or null.</returns>
    public int? Take(IPEndPoint address)
    {
        lock (_changing)
        {
            var index = _inherited.FindIndex(socket => socket.Address.Equals(address));
            if (index < 0 && IsAny(address))
            {
                index = _inherited.FindIndex(socket => socket.Address.Port == address.Port && IsAny(socket.Address));
            }

            if (index < 0)
            {
                return null;
            }

            var descriptor = _inherited[index].Descriptor;
            _inherited.RemoveAt(index);
            return descriptor;
        }
    }

    /// <summary>Closes the sockets that no listener has claimed.</summary>
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

/// <summary>A listener whose socket can be shared with another process.</summary>
internal interface ISharedListener
{
    IPEndPoint Address { get; }

    int Descriptor { get; }

    /// <summary>Stops accepting, so that new connections go to the other processes that share the socket. Existing connections continue; the socket
    /// stays open.</summary>
    Task StopAcceptingAsync();
}

/// <summary>Sockets passed by systemd socket activation (sd_listen_fds(3)).</summary>
internal static class SystemdSockets
{
    private const int First = 3;

    /// <summary>Inherits them.</summary>
    /// <exception cref="StartRefusedException">One of them is not a listening TCP socket.</exception>
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

        // As sd_listen_fds does with unset_environment, so that child processes ignore them.
        foreach (var name in (string[])["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"])
        {
            Environment.SetEnvironmentVariable(name, null);
        }
    }

    /// <summary>The address that a socket listens on.</summary>
    /// <exception cref="StartRefusedException">It is not a listening TCP socket.</exception>
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
            // Not a socket.
        }

        throw new StartRefusedException([$"LISTEN_FDS: descriptor {descriptor} is not a listening TCP socket. A socket unit needs ListenStream= and Accept=no."]);
    }

    private static bool Listens(Socket socket) => socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0;
}
