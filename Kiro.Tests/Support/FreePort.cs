using System.Net.Sockets;
using System.Net;

namespace Kiro.Tests.Support;

/// <summary>Ports that nothing listens on.</summary>
internal static class FreePort
{
    private static int _next = 20000 + (Environment.ProcessId % 500 * 20);

    public static int Next() => Range(1);

    /// <summary>The first of <paramref name="count"/> free ports in a row. They are below the range from which the
    /// system takes the ports of outgoing connections, and no two calls in a test run get the same one.</summary>
    public static int Range(int count)
    {
        while (true)
        {
            var first = Interlocked.Add(ref _next, count) - count;
            if (first + count > 32000)
            {
                Interlocked.Exchange(ref _next, 20000);
            }
            else if (Enumerable.Range(first, count).All(IsFree))
            {
                return first;
            }
        }
    }

    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.IPv6Any, port);
            listener.Server.DualMode = true;
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
