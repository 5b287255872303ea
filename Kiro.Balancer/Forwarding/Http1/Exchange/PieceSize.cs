namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// How much of a long body to ask for at a time. Each receive and each send costs the kernel far more than its bytes, but
/// what waits for a slow node, or for a client that does not read, should not hold much memory.
/// </summary>
internal sealed class PieceSize
{
    private const int Min = 32 * 1024;
    private const int Max = 128 * 1024;

    /// <summary>In bytes.</summary>
    public int Bytes { get; private set; } = Min;

    /// <summary>The client does not take it as fast.</summary>
    public void Shrink() => Bytes = Math.Max(Bytes / 2, Min);

    /// <summary>Takes note of what came when <paramref name="room"/> bytes were asked for.</summary>
    public void Note(int count, int room) => Bytes =
        count == room ? Math.Min(room * 2, Max)
        : count < room / 4 ? Math.Max(room / 2, Min)
        : Bytes;
}
