using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

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
