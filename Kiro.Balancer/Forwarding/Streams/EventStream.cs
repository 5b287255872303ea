namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The node's end of a stream of server-sent events, or of a gRPC call, which can be made to end: then the client's response ends, too,
/// completely, and the client connects again.</summary>
internal sealed class EventStream(Stream node, OpenStreams streams) : ForwardOnlyStream, IOpenStream
{
    private readonly CancellationTokenSource _end = new();

    /// <summary>It was made to end before the node ended it.</summary>
    public bool WasEnded { get; private set; }

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
            WasEnded = true;
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
