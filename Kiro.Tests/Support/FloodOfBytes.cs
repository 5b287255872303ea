namespace Kiro.Tests.Support;

/// <summary>Sends as much as the other end takes.</summary>
internal sealed class FloodOfBytes
{
    private long _sent;

    /// <param name="send">Sends a piece; throws when that is not possible any more.</param>
    /// <param name="most">After so many bytes it ends.</param>
    /// <param name="chunked">Whether each piece is to be a chunk.</param>
    public FloodOfBytes(Func<ReadOnlyMemory<byte>, Task> send, long most = long.MaxValue, bool chunked = false) =>
        Ended = SendAsync(send, most, chunked);

    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Ends when nothing can be sent any more.</summary>
    public Task Ended { get; }

    /// <summary>Waits until nothing has been taken for a while.</summary>
    /// <returns>How much was, in bytes.</returns>
    public async Task<long> LevelOffAsync()
    {
        var before = 0L;
        await Eventually.BeTrue(
            async () =>
            {
                before = Sent;
                await Task.Delay(1000, TestContext.Current.CancellationToken);
                return before > 0 && Sent == before;
            },
            "the other end takes no more");
        return before;
    }

    private async Task SendAsync(Func<ReadOnlyMemory<byte>, Task> send, long most, bool chunked)
    {
        await Task.Yield();
        var block = TestBackendRoutes.Block;
        byte[] piece = chunked ? [.. System.Text.Encoding.ASCII.GetBytes($"{block.Length:x}\r\n"), .. block, .. "\r\n"u8] : block;
        try
        {
            while (Sent < most)
            {
                await send(piece);
                Interlocked.Add(ref _sent, piece.Length);
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The other end has gone, or does not read.
        }
    }
}
