using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// A client's connection to Kestrel, with what Kestrel lacks: a half-closed client (RFC 9112, section 9.6) still gets its
/// response, and an incomplete response ends with FIN after the bytes that were sent.
/// </summary>
internal sealed class KestrelConnection : ConnectionContext
{
    /// <summary>How long a half-closed client gets its response: it may be gone, and only a write can tell.</summary>
    private static readonly TimeSpan MaxHalfClosed = TimeSpan.FromSeconds(15);

    /// <summary>How long a client may take to read the rest of an incomplete response.</summary>
    private static readonly TimeSpan MaxDrain = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly ConnectionContext _inner;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _closing;
    private ITimer? _halfClosed;
    private ITimer? _draining;
    private long _halfClosedSince;

    private KestrelConnection(ConnectionContext inner, TimeProvider time)
    {
        (_inner, _time) = (inner, time);
        (ConnectionId, Items) = (inner.ConnectionId, inner.Items);
        Transport = new Pipes(new ClientInput(inner.Transport.Input), inner.Transport.Output);
        (LocalEndPoint, RemoteEndPoint) = (inner.LocalEndPoint, inner.RemoteEndPoint);
        ConnectionClosed = _closed.Token;
        Logins = new PrivateConnections();
        Features.Set(this);
        _closing = inner.ConnectionClosed.UnsafeRegister(static connection => ((KestrelConnection)connection!).OnClosed(), this);
    }

    public override string ConnectionId { get; set; }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items { get; set; }

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    /// <summary>Whether only a reset can tell the client that a response is incomplete: on HTTP/1.0, without a length.</summary>
    public bool EndsWithReset { get; set; }

    /// <summary>The backend connections that are private to this client.</summary>
    public PrivateConnections Logins { get; }

    /// <summary>Wraps the connections of an endpoint.</summary>
    public static void Wrap(ListenOptions endpoint)
    {
        var time = endpoint.ApplicationServices.GetRequiredService<TimeProvider>();
        endpoint.Use(next => connection => ServeAsync(connection, next, time));
    }

    /// <summary>Ends an incomplete response so that the client can tell.</summary>
    public static void AbortResponse(HttpContext context)
    {
        NoteFraming(context);
        context.Abort();
    }

    /// <summary>Makes a response that may remain incomplete end in the way that its framing requires.</summary>
    public static void NoteFraming(HttpContext context)
    {
        if (HttpProtocol.IsHttp10(context.Request.Protocol) && context.Response.ContentLength is null
            && context.Features.Get<KestrelConnection>() is { } client)
        {
            client.EndsWithReset = true;
        }
    }

    /// <summary>Sends an interim response. Kestrel must not have started the final one, nor be about to send 100 Continue.</summary>
    public async ValueTask SendInterimAsync(ReadOnlyMemory<byte> head) => await Transport.Output.WriteAsync(head);

    // Kestrel writes nothing after this. What it has written is sent, then the transport closes the connection.
    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (EndsWithReset || _closed.IsCancellationRequested)
        {
            _inner.Abort(abortReason);
            return;
        }

        _inner.Transport.Output.Complete();
        var timer = _time.CreateTimer(_ => _inner.Abort(abortReason), null, MaxDrain, Timeout.InfiniteTimeSpan);
        Interlocked.Exchange(ref _draining, timer)?.Dispose();
    }

    private static async Task ServeAsync(ConnectionContext inner, ConnectionDelegate next, TimeProvider time)
    {
        var connection = new KestrelConnection(inner, time);
        try
        {
            await next(connection);
        }
        finally
        {
            connection.End();
        }
    }

    private void OnClosed()
    {
        if (!IsHalfClosed())
        {
            _closed.Cancel();
            return;
        }

        _halfClosedSince = _time.GetTimestamp();
        _halfClosed = _time.CreateTimer(static connection => ((KestrelConnection)connection!).CheckHalfClosed(), this, Period, Period);
    }

    private void CheckHalfClosed()
    {
        if (!IsHalfClosed() || _time.GetElapsedTime(_halfClosedSince) >= MaxHalfClosed)
        {
            _halfClosed?.Dispose();
            _closed.Cancel();
        }
    }

    // Linux only (tcp(7), TCP_INFO): the first byte is the state, and 8 is CLOSE_WAIT.
    private bool IsHalfClosed()
    {
        const int Tcp = 6;
        const int Info = 11;
        const byte CloseWait = 8;
        if (!OperatingSystem.IsLinux() || Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket)
        {
            return false;
        }

        try
        {
            Span<byte> state = stackalloc byte[1];
            return socket.GetRawSocketOption(Tcp, Info, state) == 1 && state[0] == CloseWait;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void End()
    {
        _closing.Dispose();
        _halfClosed?.Dispose();
        _draining?.Dispose();
        Logins.Dispose();
    }

    private sealed record Pipes(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>
/// A client's input. Reports the end only after everything before it was examined: Kestrel considers a body truncated whose
/// last bytes arrive together with FIN.
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
            result = HideEnd(result);
        }

        return isThere;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var read = inner.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new ValueTask<ReadResult>(HideEnd(read.Result)) : WaitAsync(read);
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
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read) => HideEnd(await read);

    private ReadResult HideEnd(in ReadResult result)
    {
        var isNew = !_allWasExamined || !result.Buffer.End.Equals(_end);
        _end = result.Buffer.End;
        return result.IsCompleted && isNew && !result.Buffer.IsEmpty
            ? new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false) : result;
    }
}
