using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>A body whose client is always faster than its backend: reads complete synchronously.</summary>
/// <param name="pieces">The number of bytes, one per read.</param>
internal sealed class PiecewiseBody(int pieces) : PipeReader, IRequestBodyPipeFeature
{
    private readonly int _reader = Environment.CurrentManagedThreadId;
    private int _given;
    private bool _isLeft;

    /// <summary>Reads by the thread that created this, before <see cref="Leave"/>.</summary>
    public int InOneGo { get; private set; }

    public PipeReader Reader => this;

    /// <summary>From now on that thread does something else.</summary>
    public void Leave() => Volatile.Write(ref _isLeft, true);

    public override bool TryRead(out ReadResult result)
    {
        if (!Volatile.Read(ref _isLeft) && Environment.CurrentManagedThreadId == _reader)
        {
            InOneGo++;
        }

        _given++;
        result = new ReadResult(new ReadOnlySequence<byte>("x"u8.ToArray()), isCanceled: false, isCompleted: _given == pieces);
        return true;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        TryRead(out var result);
        return ValueTask.FromResult(result);
    }

    public override void AdvanceTo(SequencePosition consumed)
    {
    }

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
    }

    public override void CancelPendingRead()
    {
    }

    public override void Complete(Exception? exception = null)
    {
    }
}
