using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// What a client sends. Its end is told when all before it was looked at: Kestrel takes a body for broken off whose last bytes
/// come together with the end of the client's sending.
/// </summary>
internal sealed class ClientInput(PipeReader inner) : PipeReader
{
    private SequencePosition _end;
    private bool _allWasExamined;

    public override bool TryRead(out ReadResult result)
    {
        var isThere = inner.TryRead(out result);
        if (isThere)
        {
            result = Look(result);
        }

        return isThere;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Look(read.Result)) : WaitAsync(read);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _allWasExamined = examined.Equals(_end);
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read) => Look(await read);

    private ReadResult Look(in ReadResult result)
    {
        var isNew = !_allWasExamined || !result.Buffer.End.Equals(_end);
        _end = result.Buffer.End;
        return result.IsCompleted && isNew && !result.Buffer.IsEmpty
            ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }
}
