using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kiro.Balancer.Listening;

/// <summary>Reads the headers of the PROXY protocol on Kestrel's ports, before TLS.</summary>
internal sealed class ProxyProtocolListening(
    ProxyHeaders headers, ClientConnections perClient, AdminListener admin, ListenPort plain, TimeProvider time)
{
    /// <summary>To be called first for every listener.</summary>
    public static void Use(ListenOptions endpoint)
    {
        var services = endpoint.ApplicationServices;
        if (services.GetRequiredService<ProxyHeaders>().IsOn)
        {
            var reader = ActivatorUtilities.CreateInstance<ProxyProtocolListening>(services);
            endpoint.Use(next => connection => reader.ServeAsync(connection, next));
        }
    }

    private Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var peer = ClientAddress.From((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.Loopback);
        return !headers.AreDueFrom(peer) || admin.Accepts(connection.LocalEndPoint) || connection.Features.Get<Introduction>() is not null
            ? next(connection) : IntroduceAsync(connection, peer, next);
    }

    private async Task IntroduceAsync(ConnectionContext connection, ClientAddress peer, ConnectionDelegate next)
    {
        var (isIntroduced, source) = await ReadAsync(connection.Transport.Input, peer);
        if (!isIntroduced)
        {
            return;
        }

        // Whoever serves it next does not ask again: HTTP/2 has a listener of its own.
        connection.Features.Set(Introduction.Done);
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

    private async Task<(bool IsIntroduced, IPEndPoint? Source)> ReadAsync(PipeReader input, ClientAddress peer)
    {
        using var timeout = new CancellationTokenSource(ProxyHeaders.Timeout, time);
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
                    // Who connects and leaves only wanted to know whether the port is open.
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
            // It is gone.
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
