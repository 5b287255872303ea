using System.Buffers;
using System.IO.Pipelines;

namespace Kiro.Balancer.Front.Listening;

/// <summary>The transport of a connection from which bytes were read already: returns those first.</summary>
internal sealed class ReceivedPipe(byte[] received, IDuplexPipe connection) : IDuplexPipe
{
    public PipeReader Input { get; } = new ReceivedReader(received, connection.Input);

    public PipeWriter Output { get; } = connection.Output;

    private sealed class ReceivedReader(byte[] received, PipeReader inner) : PipeReader
    {
        // Null once consumed.
        private byte[]? _received = received;
        private bool _isExamined;
        private ReadOnlySequence<byte> _given;

        public override bool TryRead(out ReadResult result)
        {
            if (_received is null)
            {
                return inner.TryRead(out result);
            }

            if (!_isExamined)
            {
                result = Give(isCanceled: false, isCompleted: false);
                return true;
            }

            if (inner.TryRead(out var more))
            {
                result = Join(more);
                return true;
            }

            result = default;
            return false;
        }

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            if (_received is null)
            {
                return await inner.ReadAsync(cancellationToken);
            }

            return _isExamined ? Join(await inner.ReadAsync(cancellationToken)) : Give(isCanceled: false, isCompleted: false);
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            if (_received is null)
            {
                inner.AdvanceTo(consumed, examined);
                return;
            }

            _isExamined = _given.Slice(examined).IsEmpty;
            var left = _given.Slice(consumed);
            _received = left.IsEmpty ? null : left.ToArray();
        }

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private ReadResult Join(ReadResult more)
        {
            if (!more.Buffer.IsEmpty)
            {
                _received = [.. _received!, .. more.Buffer.ToArray()];
            }

            inner.AdvanceTo(more.Buffer.End);
            return Give(more.IsCanceled, more.IsCompleted);
        }

        private ReadResult Give(bool isCanceled, bool isCompleted)
        {
            _given = new ReadOnlySequence<byte>(_received!);
            return new ReadResult(_given, isCanceled, isCompleted);
        }
    }
}
