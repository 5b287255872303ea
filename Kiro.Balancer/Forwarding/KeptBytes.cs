namespace Kiro.Balancer.Forwarding;

/// <summary>Bounds the memory of all kept bodies together: beyond it a body is streamed, which only costs its second try.</summary>
internal sealed class KeptBytes
{
    /// <summary>In bytes.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private long _kept;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _kept, bytes) <= MaxBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _kept, -bytes);
}
