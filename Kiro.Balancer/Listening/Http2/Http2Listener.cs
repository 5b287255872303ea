using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Listening.Http2;

/// <summary>To Kestrel a listener like any other; its connections come from the plain port, already accepted and counted.</summary>
internal sealed class Http2Listener : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    // Bounded by the connections of clients.
    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>Where it listens: nowhere that can be reached.</summary>
    public static EndPoint Place { get; } = new NoEndPoint();

    public EndPoint EndPoint => Place;

    public bool CanBind(EndPoint endpoint) => endpoint is NoEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handedOver.Reader.WaitToReadAsync(cancellationToken) && _handedOver.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handedOver.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Has a connection served, until its end.</summary>
    public async Task ServeAsync(ConnectionContext connection)
    {
        var handedOver = new HandedOverConnection(connection);
        // When this fails the balancer stops, and the connection ends with it.
        if (_handedOver.Writer.TryWrite(handedOver))
        {
            await handedOver.Ended;
        }
    }

    private sealed class NoEndPoint : EndPoint
    {
        public override string ToString() => "h2c";
    }
}

/// <summary>A connection that one listener has accepted and another one serves; the first one closes it.</summary>
internal sealed class HandedOverConnection(ConnectionContext inner) : ConnectionContext
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when it is served.</summary>
    public Task Ended => _ended.Task;

    public override IDuplexPipe Transport { get; set; } = inner.Transport;

    public override string ConnectionId { get; set; } = inner.ConnectionId;

    // What Kestrel keeps here of one listener is not to take the place of what it keeps of the other.
    public override IFeatureCollection Features { get; } = new FeatureCollection(inner.Features);

    public override IDictionary<object, object?> Items { get; set; } = inner.Items;

    public override CancellationToken ConnectionClosed { get; set; } = inner.ConnectionClosed;

    public override EndPoint? LocalEndPoint { get; set; } = inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint { get; set; } = inner.RemoteEndPoint;

    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    public override ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        return base.DisposeAsync();
    }
}
