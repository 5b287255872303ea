using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections.Features;

namespace Kiro.Balancer.Forwarding.Lean;

/// <summary>Sends a request's body to the node as it comes, while the answer may already be on its way back.</summary>
internal sealed class BodySender(HttpRequest request, BackendConnection connection)
{
    /// <summary>What is sent at a time, in bytes: more is cut, less is only sent when the client has not sent more.</summary>
    private const int MostAtOnce = 32 * 1024;

    private readonly PipeReader _body = request.BodyReader;
    private readonly Socket? _client = request.HttpContext.Features.Get<IConnectionSocketFeature>()?.Socket;
    private readonly bool _isChunked = request.ContentLength is null;
    private ReadResult _takenAlong;
    private TurnTaking _turns;
    private readonly Lock _starting = new();
    private bool _mayStart = true;
    private bool _isStopping;

    /// <summary>The node has all of it.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>What was wrong with the client's body or connection.</summary>
    public Exception? ClientFault { get; private set; }

    /// <summary>Ends when nothing more is being sent.</summary>
    public Task Sending { get; private set; } = Task.CompletedTask;

    /// <summary>Puts what is there of the body behind the head that is to be sent.</summary>
    /// <returns>False when that is nothing.</returns>
    public async ValueTask<bool> TakeAlongAsync()
    {
        if (_isChunked || !TryRead(out var there) || await CollectAsync(there) is not { } read)
        {
            return false;
        }

        var data = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, MostAtOnce));
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
        while (await ReadAsync() is { } first && await CollectAsync(first) is { } read)
        {
            var isSent = _isChunked ? await SendChunksAsync(read) : await SendPlainAsync(read.Buffer);
            _body.AdvanceTo(read.Buffer.End);
            if (!isSent || read.IsCompleted)
            {
                IsComplete = isSent;
                return;
            }
        }
    }

    // The server hands over what it reads 4 KiB at a time; what the client has sent already goes on in one piece. Of chunks
    // nobody can tell whether what comes is more of the body.
    private async ValueTask<ReadResult?> CollectAsync(ReadResult read)
    {
        while (!_isChunked && !read.IsCompleted && read.Buffer.Length < MostAtOnce && HasMore())
        {
            _body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (await ReadAsync() is not { } more)
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
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private async ValueTask<ReadResult?> ReadAsync()
    {
        try
        {
            while (true)
            {
                await _turns.GiveWayAsync();
                var read = await _body.ReadAsync();
                var isStopping = Volatile.Read(ref _isStopping);
                if (!read.IsCanceled && !isStopping)
                {
                    return read;
                }

                // The server cancels reads, too, when it begins to stop: that is no reason not to go on.
                _body.AdvanceTo(read.Buffer.Start);
                if (isStopping)
                {
                    return null;
                }
            }
        }
        catch (Exception fault) when (fault is IOException or OperationCanceledException)
        {
            Blame(fault);
            return null;
        }
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

    private async ValueTask<bool> SendPlainAsync(ReadOnlySequence<byte> left)
    {
        while (!left.IsEmpty)
        {
            var data = left.Slice(0, Math.Min(left.Length, MostAtOnce));
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
            var data = left.Slice(0, Math.Min(left.Length, MostAtOnce));
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
            output.Write(data);
            output.Write("\r\n"u8);
        }
    }
}
