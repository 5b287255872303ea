using System.Runtime.CompilerServices;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>What all streams here have in common: no seeking, no blocking calls.</summary>
internal abstract class ForwardOnlyStream : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>A request's body of a length that nobody announced, which ends with 413 once there is too much of it. Kestrel's own
/// limit counts the framing of chunks, too.</summary>
internal sealed class BoundedBody(Stream body, BodyLimit limit) : ForwardOnlyStream
{
    private long _passed;

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await body.ReadAsync(buffer, cancellationToken);
        return limit.Refuses(_passed += count)
            ? throw new BadHttpRequestException(BodyLimit.Problem, StatusCodes.Status413PayloadTooLarge) : count;
    }
}

/// <summary>A stream over another one, which it owns.</summary>
internal abstract class DelegatingStream(Stream inner) : ForwardOnlyStream
{
    /// <summary>The other one.</summary>
    protected Stream Inner { get; } = inner;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Inner.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Inner.WriteAsync(buffer, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => Inner.FlushAsync(cancellationToken);

    public override void Flush() => Inner.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Inner.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>
/// Lets others have their turn now and then. Where receives end on the thread that waits for all sockets, two fast ends
/// would keep it busy with each other.
/// </summary>
internal struct PeriodicYield
{
    /// <summary>Steps that may follow one another without a wait.</summary>
    private const int MaxStreak = 16;

    private int _steps;

    /// <summary>To be awaited at each step. Seldom it ends on another thread.</summary>
    public ConfiguredTaskAwaitable YieldAsync() =>
        Task.CompletedTask.ConfigureAwait(++_steps % MaxStreak == 0 ? ConfigureAwaitOptions.ForceYielding : ConfigureAwaitOptions.None);
}
