using System.Buffers;
using System.IO.Pipelines;
using Kiro.Balancer.Forwarding.Http1.Connections;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Sends a request body to the backend as it arrives, while the response may already be on its way back.</summary>
internal sealed class RequestBodySender(HttpRequest request, PooledConnection connection)
{
    private readonly RequestBodyReader _body = new(request, connection);
    private ReadResult _initial;
    private readonly Lock _starting = new();
    private bool _mayStart = true;

    /// <summary>Whether the backend has the whole body.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>The error of the client's body or connection.</summary>
    public Exception? ClientFault => _body.Fault;

    /// <summary>Completes when nothing more is being sent.</summary>
    public Task Sending { get; private set; } = Task.CompletedTask;

    /// <summary>Appends the part of the body that is there already to the request head.</summary>
    /// <returns>False when there is none.</returns>
    public async ValueTask<bool> AppendInitialAsync()
    {
        if (await _body.TakeAsync() is not { } read)
        {
            return false;
        }

        var data = Piece(read.Buffer);
        connection.Output.Write(data);
        _initial = new ReadResult(data, isCanceled: false, read.IsCompleted && data.Length == read.Buffer.Length);
        return true;
    }

    /// <summary>Ends <see cref="AppendInitialAsync"/>: what was not sent can be sent again.</summary>
    public void CompleteInitial(bool isSent)
    {
        _body.AdvanceTo(isSent ? _initial.Buffer.End : _initial.Buffer.Start);
        if (!isSent || _initial.IsCompleted)
        {
            PreventStart();
            IsComplete = isSent;
        }
    }

    /// <summary>Starts sending, unless it has started or must not. For the exchange itself.</summary>
    public void Start()
    {
        if (TryBegin())
        {
            Sending = SendAsync();
        }
    }

    /// <summary>The same from another thread: once <see cref="PreventStart"/> has returned, it has started or never will.</summary>
    public void StartOnThreadPool()
    {
        lock (_starting)
        {
            if (TryBegin())
            {
                Sending = Task.Run(SendAsync);
            }
        }
    }

    /// <summary>Never starts.</summary>
    public void PreventStart() => TryBegin();

    /// <summary>Waits for the end. If there is more to send, the connection must be aborted first.</summary>
    public async Task StopAsync()
    {
        PreventStart();
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

            // Copying costs less than a send per segment.
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

    private static ReadOnlySequence<byte> Piece(in ReadOnlySequence<byte> data) => data.Slice(0, Math.Min(data.Length, RequestBodyReader.MaxAtOnce));

    private static void WriteChunk(SendBuffer output, in ReadOnlySequence<byte> data)
    {
        // An empty chunk would be the last.
        if (!data.IsEmpty)
        {
            output.WriteHex(data.Length);
            output.Write("\r\n"u8);
            output.Write(data);
            output.Write("\r\n"u8);
        }
    }
}
