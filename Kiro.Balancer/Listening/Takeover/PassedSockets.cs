using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>The sockets that systemd, or <c>systemd-socket-activate</c>, opened for this process (sd_listen_fds(3)).</summary>
internal static class PassedSockets
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
            sockets.Give(AddressOf(descriptor), descriptor);
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
