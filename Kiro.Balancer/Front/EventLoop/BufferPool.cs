using System.Numerics;
using Kiro.Balancer.Front.Native;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// One loop's buffers, for unparsed input and unsent output. Sizes are powers of two; a bounded number of each is pooled.
/// Not thread-safe.
/// </summary>
internal sealed class BufferPool
{
    /// <summary>In bytes.</summary>
    private const int MinSize = 1024;

    private const int Sizes = 10;

    /// <summary>Pooled for each size, in bytes.</summary>
    private const int MaxPooled = 1024 * 1024;

    private readonly Stack<byte[]>[] _pooled = [.. Enumerable.Range(0, Sizes).Select(_ => new Stack<byte[]>())];
    private long _held;

    /// <summary>The largest buffer: 512 KiB.</summary>
    public const int MaxSize = MinSize << (Sizes - 1);

    /// <summary>Bytes rented at the moment. Thread-safe.</summary>
    public long Held => Volatile.Read(ref _held);

    public byte[] Rent(int length)
    {
        var index = Index(length);
        var size = MinSize << index;
        Volatile.Write(ref _held, _held + size);
        return _pooled[index].TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size);
    }

    public void Return(byte[] buffer)
    {
        Volatile.Write(ref _held, _held - buffer.Length);
        var pooled = _pooled[Index(buffer.Length)];
        if (pooled.Count < Math.Max(1, MaxPooled / buffer.Length))
        {
            pooled.Push(buffer);
        }
    }

    private static int Index(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(length, MinSize) - 1) + 1 - BitOperations.Log2(MinSize));
}

/// <summary>One loop's pipes: those that hold data for a slow reader, and a few spare ones. Not thread-safe.</summary>
internal sealed class PipePool
{
    /// <summary>
    /// Pipes open at once, each with two descriptors and up to 256 KiB of kernel memory; beyond it, bytes are copied.
    /// </summary>
    public const int Max = 64;

    /// <summary>Shorter bodies are copied, because splicing costs an extra system call. In bytes.</summary>
    public const int MinLength = 64 * 1024;

    private const int MaxEmpty = 4;

    private readonly Stack<SplicePipe> _empty = new();
    private int _open;

    /// <summary>Open pipes. Thread-safe.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Rents a pipe for a body, if it is worth it.</summary>
    /// <param name="left">Bytes of the body still to come.</param>
    /// <returns>Null when the body is too short, or the limit is reached.</returns>
    public SplicePipe? TryRent(long left)
    {
        if (left < MinLength)
        {
            return null;
        }

        if (_empty.TryPop(out var pipe))
        {
            return pipe;
        }

        if (_open == Max || SplicePipe.TryOpen() is not { } opened)
        {
            return null;
        }

        Volatile.Write(ref _open, _open + 1);
        return opened;
    }

    /// <summary>Takes a pipe back, empty or not.</summary>
    public void Return(SplicePipe pipe)
    {
        if (pipe.Length == 0 && _empty.Count < MaxEmpty)
        {
            _empty.Push(pipe);
        }
        else
        {
            pipe.Close();
            Volatile.Write(ref _open, _open - 1);
        }
    }

    /// <summary>Closes the spare pipes.</summary>
    public void Close()
    {
        while (_empty.TryPop(out var pipe))
        {
            pipe.Close();
            Volatile.Write(ref _open, _open - 1);
        }
    }
}
