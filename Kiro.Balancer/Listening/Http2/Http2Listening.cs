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

/// <summary>
/// Tells HTTP/2 from HTTP/1 on the plain port by its first bytes. Kestrel cannot speak both there: those that begin with the
/// preface are given to a listener of its own.
/// </summary>
internal static class Http2Listening
{
    /// <summary>What a connection of HTTP/2 begins with (RFC 9113, section 3.4).</summary>
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>Adds the listener that takes them, when that is wanted.</summary>
    public static void AddHttp2(this WebApplicationBuilder builder, Http2Options options)
    {
        if (!options.IsOn)
        {
            return;
        }

        // A proxy before us that has taken TLS off may leave the client's scheme as it is.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AllowAlternateSchemes = true);
        builder.Services.AddSingleton<Http2Listener>();
        builder.Services.AddSingleton<IConnectionListenerFactory>(services => services.GetRequiredService<Http2Listener>());
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(Http2Listener.Place, listen => listen.Protocols = HttpProtocols.Http2));
    }

    /// <summary>Has a request the scheme of its connection, whatever it says itself: who may say otherwise says so in
    /// X-Forwarded-Proto. Before everything else.</summary>
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

    /// <summary>To be used on the plain port when HTTP/2 is taken there.</summary>
    /// <param name="listen">The port's.</param>
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
                // It has said nothing, and nobody waits for a response.
                return;
            }
        }

        await (isHttp2 ? http2.ServeAsync(connection) : next(connection));
    }

    // Takes nothing out of the input.
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

/// <summary>HTTP/2 from clients without TLS.</summary>
/// <param name="IsOn"><c>H2C</c>: <c>on</c> takes it on the plain port from clients that begin with it (RFC 9113, section 3.3), beside
/// HTTP/1.1; <c>off</c>, the default.</param>
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
