using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Writes a request's body through to the connection, and notes when that one wants no more of it.</summary>
internal sealed class PromptStream(Stream connection, ExchangeClock? clock) : Stream
{
    private TurnTaking _turns;

    /// <summary>Bytes that HttpClient was given.</summary>
    public long Written { get; private set; }

    /// <summary>The node's response is there already, and nothing more can be sent.</summary>
    public bool HasResponded { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written += buffer.Length;
        try
        {
            await connection.WriteAsync(buffer, cancellationToken);
            await connection.FlushAsync(cancellationToken);
            clock?.Touch();
            await _turns.GiveWayAsync();
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await connection.FlushAsync(cancellationToken);
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }

    public override void Flush() => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
