using System.IO.Pipelines;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections.Features;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

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
