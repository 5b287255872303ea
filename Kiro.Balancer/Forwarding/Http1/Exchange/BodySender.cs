using System.Buffers;
using System.IO.Pipelines;
using Kiro.Balancer.Forwarding.Http1.Connections;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Sends a request's body to the node as it comes, while the response may already be on its way back.</summary>
internal sealed class BodySender(HttpRequest request, BackendConnection connection)
{
    private readonly ClientBody _body = new(request, connection);
    private ReadResult _takenAlong;
    private readonly Lock _starting = new();
    private bool _mayStart = true;

    /// <summary>The node has all of it.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>What was wrong with the client's body or connection.</summary>
    public Exception? ClientFault => _body.Fault;

    /// <summary>Ends when nothing more is being sent.</summary>
    public Task Sending { get; private set; } = Task.CompletedTask;

    /// <summary>Puts what is there of the body behind the head that is to be sent.</summary>
    /// <returns>False when that is nothing.</returns>
    public async ValueTask<bool> TakeAlongAsync()
    {
        if (await _body.TakeAsync() is not { } read)
        {
            return false;
        }

        var data = Piece(read.Buffer);
        connection.Output.Write(data);
        _takenAlong = new ReadResult(data, isCanceled: false, read.IsCompleted && data.Length == read.Buffer.Length);
        return true;
    }

    /// <summary>Says whether what was taken along has been sent. What was not can be sent again.</summary>
    public void EndTakingAlong(bool isSent)
    {
        _body.AdvanceTo(isSent ? _takenAlong.Buffer.End : _takenAlong.Buffer.Start);
        if (!isSent || _takenAlong.IsCompleted)
        {
            Forgo();
            IsComplete = isSent;
        }
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
            _body.Stop();
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
        while (await _body.ReadAsync() is { } read)
        {
            var isSent = _body.IsChunked ? await SendChunksAsync(read) : await SendPlainAsync(read.Buffer);
            _body.AdvanceTo(read.Buffer.End);
            if (!isSent || read.IsCompleted)
            {
                IsComplete = isSent;
                return;
            }
        }
    }

    private async ValueTask<bool> SendPlainAsync(ReadOnlySequence<byte> left)
    {
        while (!left.IsEmpty)
        {
            var data = Piece(left);
            left = left.Slice(data.End);
            if (data.IsSingleSegment)
            {
                if (await connection.SendAsync(data.First) < data.Length)
                {
                    return false;
                }

                continue;
            }

            // Copying costs less than a send for each segment.
            var output = connection.Output;
            output.Clear();
            output.Write(data);
            if (await connection.SendAsync(output.Bytes) < output.Length)
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
            var data = Piece(left);
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

    private static ReadOnlySequence<byte> Piece(in ReadOnlySequence<byte> data) => data.Slice(0, Math.Min(data.Length, ClientBody.MaxAtOnce));

    private static void WriteChunk(SendBuffer output, in ReadOnlySequence<byte> data)
    {
        // An empty one would be the last.
        if (!data.IsEmpty)
        {
            output.WriteHex(data.Length);
            output.Write("\r\n"u8);
            output.Write(data);
            output.Write("\r\n"u8);
        }
    }
}
