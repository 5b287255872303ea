using System.Numerics;

namespace Kiro.Balancer.Front.EventLoop;

/// <summary>
/// The buffers of one loop: what a connection holds while it has an unfinished head or unsent bytes. Sizes are powers of
/// two; a bounded number of each is kept to be used again. For the loop's own thread.
/// </summary>
internal sealed class BufferPool
{
    /// <summary>In bytes.</summary>
    private const int MinSize = 1024;

    private const int Sizes = 10;

    /// <summary>Kept of each size for the next ones, in bytes.</summary>
    private const int MaxKept = 1024 * 1024;

    private readonly Stack<byte[]>[] _kept = [.. Enumerable.Range(0, Sizes).Select(_ => new Stack<byte[]>())];
    private long _held;

    /// <summary>The largest buffer there is, in bytes: 512 KiB.</summary>
    public const int MaxSize = MinSize << (Sizes - 1);

    /// <summary>What connections hold at this moment, in bytes. From any thread.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>Takes a buffer of at least so many bytes.</summary>
    public byte[] Rent(int length)
    {
        var index = Index(length);
        var size = MinSize << index;
        Volatile.Write(ref _held, _held + size);
        return _kept[index].TryPop(out var buffer) ? buffer : GC.AllocateUninitializedArray<byte>(size);
    }

    public void Return(byte[] buffer)
    {
        Volatile.Write(ref _held, _held - buffer.Length);
        var kept = _kept[Index(buffer.Length)];
        if (kept.Count < Math.Max(1, MaxKept / buffer.Length))
        {
            kept.Push(buffer);
        }
    }

    private static int Index(int length) => Math.Max(0, BitOperations.Log2((uint)Math.Max(length, MinSize) - 1) + 1 - BitOperations.Log2(MinSize));
}
