using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Native;

/// <summary>
/// A pipe through which bytes go from one socket to another inside the kernel: they are moved, not copied (splice(2)).
/// For one thread at a time.
/// </summary>
internal sealed unsafe class FrontPipe
{
    /// <summary>What it holds at most, in bytes, when every page of it is full.</summary>
    public const int Capacity = 256 * 1024;

    /// <summary>Descriptors that must be free beyond it: without a pipe bytes are copied, without a connection nobody is served.</summary>
    private const int Spare = 1000;

    private const int SetSize = 1031;

    private readonly int _reading;
    private readonly int _writing;

    private FrontPipe(int reading, int writing) => (_reading, _writing) = (reading, writing);

    /// <summary>Bytes that are in it.</summary>
    public int Held { get; private set; }

    /// <returns>Null when descriptors, or the pages that pipes may have, are scarce.</returns>
    public static FrontPipe? TryOpen()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.NonBlocking | Libc.CloseOnExec) != 0)
        {
            return null;
        }

        var pipe = new FrontPipe(ends[0], ends[1]);
        if (DescriptorLimit.IsReserved(ends[1] + Spare) || Libc.SetPipe(ends[1], SetSize, Capacity) < Capacity)
        {
            pipe.Close();
            return null;
        }

        return pipe;
    }

    /// <summary>Takes what a socket has received.</summary>
    /// <returns>As <see cref="FrontSocket.Receive"/>.</returns>
    public int Fill(FrontSocket from, int max)
    {
        var count = (int)Libc.Splice(from.Descriptor, null, _writing, null, max, Libc.SpliceNonBlocking);
        Held += Math.Max(0, count);
        return count;
    }

    /// <summary>Sends as much of what it holds as the kernel takes now.</summary>
    /// <returns>As <see cref="FrontSocket.Send"/>.</returns>
    public int Drain(FrontSocket to)
    {
        var count = (int)Libc.Splice(_reading, null, to.Descriptor, null, Held, Libc.SpliceNonBlocking);
        Held -= Math.Max(0, count);
        return count;
    }

    public void Close()
    {
        _ = Libc.Close(_reading);
        _ = Libc.Close(_writing);
    }
}
