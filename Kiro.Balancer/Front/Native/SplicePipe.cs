using Kiro.Balancer.Listening;

namespace Kiro.Balancer.Front.Native;

/// <summary>
/// A pipe that moves bytes from one socket to another inside the kernel, without copying (splice(2)). Not thread-safe.
/// </summary>
internal sealed unsafe class SplicePipe
{
    /// <summary>Its capacity in bytes, when every page is full.</summary>
    public const int Capacity = 256 * 1024;

    /// <summary>Descriptors to leave free: without a pipe bytes are copied, without a descriptor a client is refused.</summary>
    private const int ReservedDescriptors = 1000;

    private const int SetPipeSize = 1031;

    private readonly int _reading;
    private readonly int _writing;

    private SplicePipe(int reading, int writing) => (_reading, _writing) = (reading, writing);

    /// <summary>Bytes in the pipe.</summary>
    public int Length { get; private set; }

    /// <returns>Null when short of descriptors or pipe pages.</returns>
    public static SplicePipe? TryOpen()
    {
        var ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.NonBlocking | Libc.CloseOnExec) != 0)
        {
            return null;
        }

        var pipe = new SplicePipe(ends[0], ends[1]);
        if (DescriptorLimit.IsReserved(ends[1] + ReservedDescriptors) || Libc.SetPipe(ends[1], SetPipeSize, Capacity) < Capacity)
        {
            pipe.Close();
            return null;
        }

        return pipe;
    }

    /// <summary>Moves received bytes into the pipe.</summary>
    /// <returns>As <see cref="FrontSocket.Receive"/>.</returns>
    public int ReceiveFrom(FrontSocket from, int max)
    {
        var count = (int)Libc.Splice(from.Descriptor, null, _writing, null, max, Libc.SpliceNonBlocking);
        Length += Math.Max(0, count);
        return count;
    }

    /// <summary>Sends from the pipe.</summary>
    /// <returns>As <see cref="FrontSocket.Send"/>.</returns>
    public int SendTo(FrontSocket to)
    {
        var count = (int)Libc.Splice(_reading, null, to.Descriptor, null, Length, Libc.SpliceNonBlocking);
        Length -= Math.Max(0, count);
        return count;
    }

    public void Close()
    {
        _ = Libc.Close(_reading);
        _ = Libc.Close(_writing);
    }
}
