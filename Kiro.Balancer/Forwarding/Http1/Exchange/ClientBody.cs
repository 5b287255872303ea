using System.IO.Pipelines;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections.Features;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Reads a request's body as the client sends it. The server hands over what it reads 4 KiB at a time; what the client has
/// sent already is collected.
/// </summary>
internal sealed class ClientBody(HttpRequest request, BackendConnection connection)
{
    /// <summary>More is not collected; in bytes.</summary>
    public const int MaxAtOnce = 32 * 1024;

    private readonly PipeReader _body = request.BodyReader;
    // What an HTTP/2 connection has to read may belong to any of its streams.
    private readonly Socket? _client = HttpProtocol.IsHttp2(request.Protocol)
        ? null : request.HttpContext.Features.Get<IConnectionSocketFeature>()?.Socket;
    private PeriodicYield _turns;
    private bool _isStopping;

    public bool IsChunked { get; } = request.ContentLength is null;

    /// <summary>What was wrong with the body or the client's connection. The exchange is cut off then.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Waits for more of the body.</summary>
    /// <returns>Null when there will be no more.</returns>
    public async ValueTask<ReadResult?> ReadAsync() => await ReadOnceAsync() is { } read ? await CollectAsync(read) : null;

    /// <summary>Takes what the client has sent already. Chunks are not for this.</summary>
    /// <returns>Null when that is nothing.</returns>
    public async ValueTask<ReadResult?> TakeAsync() => !IsChunked && TryRead(out var read) ? await CollectAsync(read) : null;

    /// <summary>Says how much of what was read is done with.</summary>
    public void AdvanceTo(SequencePosition consumed) => _body.AdvanceTo(consumed);

    /// <summary>Ends a wait for more, from anywhere.</summary>
    public void Stop()
    {
        Volatile.Write(ref _isStopping, true);
        _body.CancelPendingRead();
    }

    // Of chunks nobody can tell whether what comes is more of the body.
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
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
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

                // The server cancels reads, too, when it begins to stop: that is no reason not to go on.
                _body.AdvanceTo(read.Buffer.Start);
                if (isStopping)
                {
                    return null;
                }
            }
        }
        catch (Exception fault) when (IsTheClients(fault))
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
        catch (Exception fault) when (IsTheClients(fault))
        {
            Blame(fault);
            read = default;
            return false;
        }
    }

    // Kestrel says it in this way of a NUL within a trailer.
    private static bool IsTheClients(Exception fault) => fault is IOException or OperationCanceledException or InvalidOperationException;

    private void Blame(Exception fault)
    {
        Fault = fault;
        connection.Abort(AbortReason.Client);
    }
}
