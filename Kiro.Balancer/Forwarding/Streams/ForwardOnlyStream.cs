using System.Runtime.CompilerServices;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Base of streams without seeking and synchronous I/O.</summary>
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

/// <summary>A request body of unknown length that fails with 413 beyond the limit. Kestrel's own limit would also count the chunked framing.</summary>
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

/// <summary>Wraps another stream, which it owns.</summary>
internal abstract class DelegatingStream(Stream inner) : ForwardOnlyStream
{
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
/// Yields periodically. With inline completions, receives complete on the thread that polls all sockets; two fast peers would monopolise it.
/// </summary>
internal struct PeriodicYield
{
    /// <summary>Steps between two yields.</summary>
    private const int MaxStreak = 16;

    private int _steps;

    /// <summary>To be awaited at each step.</summary>
    public ConfiguredTaskAwaitable YieldAsync() =>
        Task.CompletedTask.ConfigureAwait(++_steps % MaxStreak == 0 ? ConfigureAwaitOptions.ForceYielding : ConfigureAwaitOptions.None);
}
