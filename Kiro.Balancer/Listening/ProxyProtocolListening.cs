using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kiro.Balancer.Listening;

/// <summary>Reads PROXY protocol headers on Kestrel's ports, before TLS.</summary>
internal sealed class ProxyProtocolListening(
    ProxyHeaderPolicy headers, ClientConnections perClient, AdminListener admin, ListenPort plain, TimeProvider time)
{
    /// <summary>Must be the first middleware of every listener.</summary>
    public static void Use(ListenOptions endpoint)
    {
        var services = endpoint.ApplicationServices;
        if (services.GetRequiredService<ProxyHeaderPolicy>().IsOn)
        {
            var reader = ActivatorUtilities.CreateInstance<ProxyProtocolListening>(services);
            endpoint.Use(next => connection => reader.ServeAsync(connection, next));
        }
    }

    private Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var peer = ClientAddress.From((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.Loopback);
        return !headers.IsRequiredFrom(peer) || admin.Accepts(connection.LocalEndPoint) || connection.Features.Get<ProxyHeaderMark>() is not null
            ? next(connection) : ReadHeaderAndServeAsync(connection, peer, next);
    }

    private async Task ReadHeaderAndServeAsync(ConnectionContext connection, ClientAddress peer, ConnectionDelegate next)
    {
        var (hasHeader, source) = await ReadAsync(connection.Transport.Input, peer);
        if (!hasHeader)
        {
            return;
        }

        // For a connection that is handed over to another listener (HTTP/2), which must not read a header again.
        connection.Features.Set(ProxyHeaderMark.Done);
        ClientAddress? key = null;
        if (source is not null)
        {
            connection.RemoteEndPoint = source;
            if (perClient.IsOn && !perClient.TryEnter(ClientAddress.From(source.Address), out key))
            {
                await RefuseAsync(connection);
                return;
            }
        }

        try
        {
            await next(connection);
        }
        finally
        {
            if (key is { } counted)
            {
                perClient.Leave(counted);
            }
        }
    }

    private async Task<(bool HasHeader, IPEndPoint? Source)> ReadAsync(PipeReader input, ClientAddress peer)
    {
        using var timeout = new CancellationTokenSource(ProxyHeaderPolicy.Timeout, time);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(timeout.Token);
                var (state, isEmpty) = (Parse(read.Buffer, out var length, out var source), read.Buffer.IsEmpty);
                if (state == ProxyHeaderState.Complete)
                {
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    return (true, source);
                }

                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (state == ProxyHeaderState.Invalid || read.IsCompleted)
                {
                    // A port scanner or a TCP health check: it connects and closes.
                    if (!isEmpty)
                    {
                        headers.Refuse(peer);
                    }

                    return (false, null);
                }
            }
        }
        catch (OperationCanceledException)
        {
            headers.Refuse(peer);
            return (false, null);
        }
        catch (IOException)
        {
            // The connection was lost.
            return (false, null);
        }
    }

    private static ProxyHeaderState Parse(ReadOnlySequence<byte> buffer, out int length, out IPEndPoint? source)
    {
        if (buffer.IsSingleSegment)
        {
            return ProxyHeader.Parse(buffer.FirstSpan, out length, out source);
        }

        Span<byte> bytes = stackalloc byte[ProxyHeader.MaxBytes];
        var within = buffer.Slice(0, Math.Min(buffer.Length, bytes.Length));
        within.CopyTo(bytes);
        return ProxyHeader.Parse(bytes[..(int)within.Length], out length, out source);
    }

    private async Task RefuseAsync(ConnectionContext connection)
    {
        if (connection.LocalEndPoint is IPEndPoint { Port: var port } && port == plain.Port)
        {
            await connection.Transport.Output.WriteAsync(Refusal.TooManyFromClient);
        }
    }
}
