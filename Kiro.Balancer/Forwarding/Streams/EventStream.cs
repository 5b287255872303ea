namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The node's end of a stream of server-sent events, which can be made to end: then the client's response ends, too,
/// completely, and the client connects again.</summary>
internal sealed class EventStream(Stream node, OpenStreams streams) : ForwardOnlyStream, IOpenStream
{
    private readonly CancellationTokenSource _end = new();

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
        try
        {
            return await node.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
    }

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        await ReadAsync(buffer.AsMemory(offset, count), cancellationToken);

    public void End() => _end.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            streams.Remove(this);
            node.Dispose();
        }

        base.Dispose(disposing);
    }
}
