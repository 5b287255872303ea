using System.IO.Pipelines;
using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Listening;

/// <summary>A connection that counts against the limits until its descriptor is closed.</summary>
/// <param name="inner">The connection.</param>
/// <param name="limit">The limit of all connections.</param>
/// <param name="perClient">The limit per client, if there is a <paramref name="key"/>.</param>
/// <param name="key">The client.</param>
/// <param name="session">Disposed first: TLS.</param>
internal sealed class CountedConnection(
    ConnectionContext inner, ConnectionLimit limit, ClientConnections? perClient = null, ClientAddress? key = null,
    IAsyncDisposable? session = null) : ConnectionContext
{
    public override IDuplexPipe Transport
    {
        get => inner.Transport;
        set => inner.Transport = value;
    }

    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    public override void Abort() => inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            if (session is not null)
            {
                await session.DisposeAsync();
            }

            await inner.DisposeAsync();
            await base.DisposeAsync();
        }
        finally
        {
            limit.Leave();
            if (key is { } client)
            {
                perClient!.Leave(client);
            }
        }
    }
}
