using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kiro.Balancer.Listening.Http2;

/// <summary>Detects HTTP/2 on the plain port by the connection preface. Kestrel cannot serve both versions there, so HTTP/2 connections are handed
/// over to a listener of their own.</summary>
internal static class Http2Listening
{
    /// <summary>The connection preface (RFC 9113, section 3.4).</summary>
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>Adds the listener for HTTP/2 if it is enabled.</summary>
    public static void AddHttp2(this WebApplicationBuilder builder, Http2Options options)
    {
        if (!options.IsOn)
        {
            return;
        }

        // A proxy that terminates TLS may forward the client's :scheme.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AllowAlternateSchemes = true);
        builder.Services.AddSingleton<Http2Listener>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => services.GetRequiredService<Http2Listener>());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(Http2Listener.Placeholder, listen => listen.Protocols = HttpProtocols.Http2));
    }

    /// <summary>Sets the scheme of a request to that of its connection, whatever the request says: only X-Forwarded-Proto of a trusted proxy may
    /// override it. Must be the first middleware.</summary>
    public static void UseSchemeOfConnection(this IApplicationBuilder app, Http2Options options)
    {
        if (options.IsOn)
        {
            app.Use(next => context =>
            {
                context.Request.Scheme = context.Features.Get<ITlsConnectionFeature>() is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;
                return next(context);
            });
        }
    }

    /// <summary>Adds the detection to the plain port.</summary>
    public static void UseHttp2(ListenOptions listen)
    {
        var services = listen.ApplicationServices;
        var http2 = services.GetRequiredService<Http2Listener>();
        var (idle, time) = (services.GetRequiredService<Reloadable<ListeningOptions>>().Value.IdleTimeout, services.GetRequiredService<TimeProvider>());
        listen.Use(next => connection => ServeAsync(connection, next, http2, idle, time));
    }

    private static async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, Http2Listener http2, TimeSpan idle, TimeProvider time)
    {
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        bool isHttp2;
        using (var timeout = new CancellationTokenSource(idle, time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping, connection.ConnectionClosed))
        {
            try
            {
                isHttp2 = await BeginsWithPrefaceAsync(connection.Transport.Input, either.Token);
            }
            catch (Exception gone) when (gone is OperationCanceledException or IOException)
            {
                // The client sent nothing, so nothing is answered.
                return;
            }
        }

        await (isHttp2 ? http2.ServeAsync(connection) : next(connection));
    }

    // Consumes nothing.
    private static async ValueTask<bool> BeginsWithPrefaceAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await input.ReadAsync(cancellationToken);
            var length = (int)Math.Min(read.Buffer.Length, Preface.Length);
            var matches = read.Buffer.Slice(0, length).ToArray().AsSpan().SequenceEqual(Preface.AsSpan(0, length));
            if (matches && length < Preface.Length && !read.IsCompleted)
            {
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            input.AdvanceTo(read.Buffer.Start);
            return matches && length == Preface.Length;
        }
    }
}

/// <summary>HTTP/2 without TLS.</summary>
/// <param name="IsOn"><c>H2C</c>: <c>on</c> accepts HTTP/2 with prior knowledge (RFC 9113, section 3.3) on the plain port; <c>off</c> is the
/// default.</param>
internal sealed record Http2Options(bool IsOn)
{
    private const string Variable = "H2C";

    public static Http2Options Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, "off");
        if (text is not ("on" or "off"))
        {
            settings.Reject(Variable, text, "on or off");
        }

        return new Http2Options(text == "on");
    }
}

/// <summary>The listener that Kestrel serves HTTP/2 on. Its connections were accepted, and counted, by the plain port.</summary>
internal sealed class Http2Listener : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionListener
{
    // Bounded by the limit of client connections.
    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>A placeholder: it does not listen on the network.</summary>
    public static EndPoint Placeholder { get; } = new NoEndPoint();

    public EndPoint EndPoint => Placeholder;

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

    /// <summary>Serves a connection until it closes.</summary>
    public async Task ServeAsync(ConnectionContext connection)
    {
        var handedOver = new HandedOverConnection(connection);
        // Fails only at shutdown, which closes the connection.
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

/// <summary>A connection accepted by one listener and served by another. The former closes it.</summary>
internal sealed class HandedOverConnection(ConnectionContext inner) : ConnectionContext
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the connection has been served.</summary>
    public Task Ended => _ended.Task;

    public override IDuplexPipe Transport { get; set; } = inner.Transport;

    public override string ConnectionId { get; set; } = inner.ConnectionId;

    // A copy: both listeners keep features under the same types.
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
