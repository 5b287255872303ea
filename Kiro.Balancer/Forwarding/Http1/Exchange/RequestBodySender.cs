using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections.Features;

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

/// <summary>Reads a request body. Kestrel reads 4 KiB at a time; what the client has sent already is collected.</summary>
internal sealed class RequestBodyReader(HttpRequest request, PooledConnection connection)
{
    /// <summary>The most that is collected, in bytes.</summary>
    public const int MaxAtOnce = 32 * 1024;

    private readonly PipeReader _body = request.BodyReader;
    // Input of an HTTP/2 connection may belong to any of its streams.
    private readonly Socket? _client = HttpProtocol.IsHttp2(request.Protocol)
        ? null : request.HttpContext.Features.Get<IConnectionSocketFeature>()?.Socket;
    private PeriodicYield _turns;
    private bool _isStopping;

    public bool IsChunked { get; } = request.ContentLength is null;

    /// <summary>The error of the body or of the client's connection, which aborts the exchange.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Waits for more of the body.</summary>
    /// <returns>Null at the end.</returns>
    public async ValueTask<ReadResult?> ReadAsync() => await ReadOnceAsync() is { } read ? await CollectAsync(read) : null;

    /// <summary>Takes what has arrived already, unless the body is chunked.</summary>
    /// <returns>Null when there is nothing.</returns>
    public async ValueTask<ReadResult?> TakeAsync() => !IsChunked && TryRead(out var read) ? await CollectAsync(read) : null;

    public void AdvanceTo(SequencePosition consumed) => _body.AdvanceTo(consumed);

    /// <summary>Cancels a pending read. Thread-safe.</summary>
    public void Stop()
    {
        Volatile.Write(ref _isStopping, true);
        _body.CancelPendingRead();
    }

    // Whether a chunked body has more is only known to its decoder.
    private async ValueTask<ReadResult?> CollectAsync(ReadResult read)
    {
        while (!IsChunked && !read.IsCompleted && read.Buffer.Length < MaxAtOnce && HasMore())
        {
            _body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (await ReadOnceAsync() is not { } more)
            {
                return null;
            }

            read = more;
        }

        return read;
    }

    private bool HasMore()
    {
        try
        {
            return _client?.Available > 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async ValueTask<ReadResult?> ReadOnceAsync()
    {
        try
        {
            while (true)
            {
                await _turns.YieldAsync();
                var read = await _body.ReadAsync();
                var isStopping = Volatile.Read(ref _isStopping);
                if (!read.IsCanceled && !isStopping)
                {
                    return read;
                }

                // Kestrel also cancels reads when it begins to stop: keep going.
                _body.AdvanceTo(read.Buffer.Start);
                if (isStopping)
                {
                    return null;
                }
            }
        }
        catch (Exception exception) when (IsClientFault(exception))
        {
            Fail(exception);
            return null;
        }
    }

    private bool TryRead(out ReadResult read)
    {
        try
        {
            return _body.TryRead(out read);
        }
        catch (Exception exception) when (IsClientFault(exception))
        {
            Fail(exception);
            read = default;
            return false;
        }
    }

    // Kestrel throws this for a NUL in a trailer.
    private static bool IsClientFault(Exception fault) => fault is IOException or OperationCanceledException or InvalidOperationException;

    private void Fail(Exception fault)
    {
        Fault = fault;
        connection.Abort(AbortReason.Client);
    }
}
