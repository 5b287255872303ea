using System.Buffers;
using System.IO.Pipelines;

namespace Kiro.Balancer.Forwarding.Lean;

/// <summary>Sends a request's body to the node as it comes, while the answer may already be on its way back.</summary>
internal sealed class BodySender(HttpRequest request, BackendConnection connection)
{
    /// <summary>Bodies up to this size go along with the head, if they are there; in bytes.</summary>
    private const int MostTakenAlong = 16 * 1024;

    /// <summary>Of a chunk, in bytes: larger pieces are cut.</summary>
    private const int MostInAChunk = 32 * 1024;

    /// <summary>Pieces after which others get their turn.</summary>
    private const int LongestStreak = 16;

    private readonly PipeReader _body = request.BodyReader;
    private readonly bool _isChunked = request.ContentLength is null;
    private ReadOnlySequence<byte> _takenAlong;
    private readonly Lock _starting = new();
    private bool _mayStart = true;
    private bool _isStopping;

    /// <summary>The node has all of it.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>What was wrong with the client's body or connection.</summary>
    public Exception? ClientFault { get; private set; }

    /// <summary>Ends when nothing more is being sent.</summary>
    public Task Sending { get; private set; } = Task.CompletedTask;

    /// <summary>Puts the body behind the head that is to be sent, if all of it is there.</summary>
    public bool TryTakeAlong()
    {
        if (_isChunked || request.ContentLength > MostTakenAlong || !TryRead(out var read))
        {
            return false;
        }

        if (read.Buffer.Length != request.ContentLength)
        {
            _body.AdvanceTo(read.Buffer.Start);
            return false;
        }

        foreach (var piece in read.Buffer)
        {
            connection.Output.Write(piece.Span);
        }

        _takenAlong = read.Buffer;
        return true;
    }

    /// <summary>Says whether what was taken along has been sent. What was not can be sent again.</summary>
    public void EndTakingAlong(bool isSent)
    {
        _body.AdvanceTo(isSent ? _takenAlong.End : _takenAlong.Start);
        Forgo();
        IsComplete = isSent;
    }

    /// <summary>Begins, unless it has begun or must not. For the exchange itself.</summary>
    public void Start()
    {
        if (TryBegin())
        {
            Sending = SendAsync();
        }
    }

    /// <summary>The same from another thread: when the exchange looks, it has begun or it never will.</summary>
    public void StartElsewhere()
    {
        lock (_starting)
        {
            if (TryBegin())
            {
                Sending = Task.Run(SendAsync);
            }
        }
    }

    /// <summary>Does not begin any more.</summary>
    public void Forgo() => TryBegin();

    /// <summary>Waits for the end. The connection must be cut off first if there is more to send.</summary>
    public async Task StopAsync()
    {
        Forgo();
        if (!Sending.IsCompleted)
        {
            Volatile.Write(ref _isStopping, true);
            _body.CancelPendingRead();
        }

        await Sending;
    }

    private bool TryBegin()
    {
        lock (_starting)
        {
            var mayStart = _mayStart;
            _mayStart = false;
            return mayStart;
        }
    }

    private async Task SendAsync()
    {
        for (var streak = 1; await ReadAsync() is { } read; streak++)
        {
            if (streak % LongestStreak == 0)
            {
                // Where receives end on the thread that waits for all sockets, a fast client and a fast node would keep it busy.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }

            var isSent = _isChunked ? await SendChunksAsync(read) : await SendPlainAsync(read.Buffer);
            _body.AdvanceTo(read.Buffer.End);
            if (!isSent || read.IsCompleted)
            {
                IsComplete = isSent;
                return;
            }
        }
    }

    private async ValueTask<ReadResult?> ReadAsync()
    {
        try
        {
            var read = await _body.ReadAsync();
            if (!read.IsCanceled && !Volatile.Read(ref _isStopping))
            {
                return read;
            }

            _body.AdvanceTo(read.Buffer.Start);
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            Blame(fault);
        }

        return null;
    }

    private bool TryRead(out ReadResult read)
    {
        try
        {
            return _body.TryRead(out read);
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            Blame(fault);
            read = default;
            return false;
        }
    }

    private void Blame(Exception fault)
    {
        ClientFault = fault;
        connection.Abort(AbortReason.Client);
    }

    private async ValueTask<bool> SendPlainAsync(ReadOnlySequence<byte> data)
    {
        foreach (var piece in data)
        {
            if (piece.Length > 0 && await connection.SendAsync(piece) < piece.Length)
            {
                return false;
            }
        }

        return true;
    }

    private async ValueTask<bool> SendChunksAsync(ReadResult read)
    {
        var left = read.Buffer;
        while (!left.IsEmpty || read.IsCompleted)
        {
            var data = left.Slice(0, Math.Min(left.Length, MostInAChunk));
            left = left.Slice(data.End);
            var output = connection.Output;
            output.Clear();
            WriteChunk(output, data);
            if (left.IsEmpty && read.IsCompleted)
            {
                output.Write("0\r\n\r\n"u8);
                return await connection.SendAsync(output.Bytes) == output.Length;
            }

            if (await connection.SendAsync(output.Bytes) < output.Length)
            {
                return false;
            }
        }

        return true;
    }

    private static void WriteChunk(SendBuffer output, in ReadOnlySequence<byte> data)
    {
        // An empty one would be the last.
        if (!data.IsEmpty)
        {
            output.WriteHex(data.Length);
            output.Write("\r\n"u8);
            foreach (var piece in data)
            {
                output.Write(piece.Span);
            }

            output.Write("\r\n"u8);
        }
    }
}
