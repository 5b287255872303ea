using System.Net;
using System.Net.Sockets;

namespace Kiro.Tests.Support;

/// <summary>
/// Hands out free ports. Concurrent test runs on the same machine use different blocks of ports, each reserved by a locked file:
/// otherwise another run could take a port before the process that it is meant for listens on it.
/// </summary>
internal static class FreePort
{
    /// <summary>Below the ephemeral port range.</summary>
    private const int First = 20000, Last = 32000, BlockSize = 200;

    private static readonly string Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "kiro-ports")).FullName;
    private static readonly Lock Taking = new();
    private static readonly Dictionary<int, FileStream> Blocks = [];
    private static int _block = First + Environment.ProcessId * BlockSize % (Last - First);
    private static int _next = Last;

    public static int Next() => Range(1);

    /// <summary>The first of <paramref name="count"/> consecutive free ports, at most <see cref="BlockSize"/>. A run gets no port twice
    /// until it has used up its share.</summary>
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

    // A run may reserve a third of all blocks, so three fit; after that it reuses its own.
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

        throw new InvalidOperationException($"Other test runs have reserved all ports from {First} to {Last}.");
    }

    private static bool TryLock(int block)
    {
        try
        {
            // The lock is released when the process ends, even if it is killed.
            Blocks.Add(block, new FileStream(Path.Combine(Folder, $"{block}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            return true;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
