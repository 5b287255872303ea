using System.Net;
using System.Net.Sockets;

namespace Kiro.Tests.Support;

/// <summary>
/// Ports that nothing listens on. Test runs on the same machine take theirs from different blocks, each held by a locked file:
/// a port may be free now and taken by another run before the process is up that it was meant for.
/// </summary>
internal static class FreePort
{
    /// <summary>They are below the range from which the system takes the ports of outgoing connections.</summary>
    private const int First = 20000, Last = 32000, BlockSize = 200;

    private static readonly string Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "kiro-ports")).FullName;
    private static readonly Lock Taking = new();
    private static readonly Dictionary<int, FileStream> Blocks = [];
    private static int _block = First + Environment.ProcessId * BlockSize % (Last - First);
    private static int _next = Last;

    public static int Next() => Range(1);

    /// <summary>The first of <paramref name="count"/> free ports in a row, of <see cref="BlockSize"/> at most. A run gets no port twice
    /// before it has had all that it can have.</summary>
    public static int Range(int count)
    {
        lock (Taking)
        {
            while (true)
            {
                if (_next + count > _block + BlockSize)
                {
                    _next = TakeBlock();
                }

                var first = _next;
                _next += count;
                if (Enumerable.Range(first, count).All(IsFree))
                {
                    return first;
                }
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

    // Three runs may each have a third of all; then their own ones come round again.
    private static int TakeBlock()
    {
        const int Count = (Last - First) / BlockSize;
        for (var tried = 0; tried < Count; tried++)
        {
            _block = _block + BlockSize < Last ? _block + BlockSize : First;
            if (Blocks.ContainsKey(_block) || (Blocks.Count < Count / 3 && TryLock(_block)))
            {
                return _block;
            }
        }

        throw new InvalidOperationException($"Other test runs have all ports from {First} to {Last}.");
    }

    private static bool TryLock(int block)
    {
        try
        {
            // Held until the process ends, however it ends.
            Blocks.Add(block, new FileStream(Path.Combine(Folder, $"{block}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
