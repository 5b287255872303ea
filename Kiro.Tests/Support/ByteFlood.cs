namespace Kiro.Tests.Support;

/// <summary>Writes as fast as the peer reads.</summary>
internal sealed class ByteFlood
{
    private long _sent;

    /// <param name="send">Writes one piece; throws once the connection is gone.</param>
    /// <param name="maxBytes">Stops after this many bytes.</param>
    /// <param name="chunked">Whether each piece is framed as a chunk.</param>
    public ByteFlood(Func<ReadOnlyMemory<byte>, Task> send, long maxBytes = long.MaxValue, bool chunked = false) =>
        Ended = SendAsync(send, maxBytes, chunked);

    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Completes when no more can be sent.</summary>
    public Task Ended { get; }

    /// <summary>Waits until backpressure stops the writer.</summary>
    /// <returns>The bytes sent by then.</returns>
    public async Task<long> WaitUntilStalledAsync()
    {
        var before = 0L;
        await Eventually.BeTrue(
            async () =>
            {
                before = Sent;
                await Task.Delay(1000, TestContext.Current.CancellationToken);
                return before > 0 && Sent == before;
            },
            "the writer is held back");
        return before;
    }

    private async Task SendAsync(Func<ReadOnlyMemory<byte>, Task> send, long maxBytes, bool chunked)
    {
        await Task.Yield();
        var block = TestBackendRoutes.Block;
        byte[] piece = chunked ? [.. System.Text.Encoding.ASCII.GetBytes($"{block.Length:x}\r\n"), .. block, .. "\r\n"u8] : block;
        try
        {
            while (Sent < maxBytes)
            {
                await send(piece);
                Interlocked.Add(ref _sent, piece.Length);
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The peer closed the connection or stopped reading.
        }
    }
}
