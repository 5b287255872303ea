using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Passes on the trailers of a response to an HTTP/1.1 client. Kestrel cannot send them in HTTP/1.1, but leaves the framing of a
/// body to whoever sets Transfer-Encoding; so a chunked response is put into chunks here again.
/// </summary>
internal sealed class ResponseTrailers
{
    private readonly IHttpResponseBodyFeature _body;
    private readonly PipeWriter _output;

    private ResponseTrailers(IHttpResponseBodyFeature body) => (_body, _output) = (body, body.Writer);

    /// <returns>Null when the client takes none in this way, or the response has no body that trailers could follow.</returns>
    public static ResponseTrailers? Announce(HttpContext context, HttpResponseMessage response)
    {
        // Of HTTP/2 trailers may follow whatever has no announced length.
        var mayFollow = response.Headers.TransferEncodingChunked == true
            || (response.Version.Major > 1 && response.Content.Headers.ContentLength is null);
        if (!mayFollow
            || response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.ResetContent or HttpStatusCode.NotModified
            || !HttpProtocol.IsHttp11(context.Request.Protocol)
            || context.Request.Method == HttpMethods.Head)
        {
            return null;
        }

        var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Response.Headers.TransferEncoding = "chunked";
        if (response.Headers.Trailer.Count > 0)
        {
            context.Response.Headers.Trailer = response.Headers.Trailer.ToArray();
        }

        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(new ChunkedStream(body), body));
        return new ResponseTrailers(body);
    }

    /// <summary>Nothing of the response was sent: another one is framed by Kestrel again.</summary>
    public void Discard(HttpContext context) => context.Features.Set(_body);

    /// <summary>Ends the body with the last chunk and the trailers.</summary>
    public async ValueTask WriteAsync(HttpResponseHeaders trailers, CancellationToken cancellationToken)
    {
        var end = new StringBuilder("0\r\n");
        foreach (var (name, values) in trailers.NonValidated)
        {
            if (!Trailers.IsAllowed(name))
            {
                continue;
            }

            foreach (var value in values)
            {
                end.Append(name).Append(": ").Append(value).Append("\r\n");
            }
        }

        await _body.StartAsync(cancellationToken);
        _output.Write(Encoding.Latin1.GetBytes(end.Append("\r\n").ToString()));
        await _output.FlushAsync(cancellationToken);
    }
}

/// <summary>Writes every block as a chunk (RFC 9112, section 7.1). The last chunk is left to its owner.</summary>
internal sealed class ChunkedStream(IHttpResponseBodyFeature body) : ForwardOnlyStream
{
    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        // Before it starts, Kestrel's writer may have no room to give.
        await body.StartAsync(cancellationToken);
        var output = body.Writer;
        output.Write(Encoding.ASCII.GetBytes(buffer.Length.ToString("x", null) + "\r\n"));
        output.Write(buffer.Span);
        output.Write("\r\n"u8);
        await output.FlushAsync(cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken) => await body.Writer.FlushAsync(cancellationToken);
}

/// <summary>The body of a node's response, read so that the head does not wait for it: <see cref="EarlyHeadStream"/>.</summary>
internal sealed class EarlyHeadContent(HttpContent body, HttpResponse response, ExchangeTimeout clock) : HttpContent
{
    protected override async Task<Stream> CreateContentReadStreamAsync() =>
        new EarlyHeadStream(await body.ReadAsStreamAsync(), response, clock);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        body.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>
/// Sends the head of a response as soon as its body keeps us waiting. YARP sends it with the first bytes of the body,
/// which for a stream of events may come minutes later.
/// </summary>
internal sealed class EarlyHeadStream(Stream body, HttpResponse response, ExchangeTimeout clock) : ForwardOnlyStream
{
    private PeriodicYield _turns;

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turns.YieldAsync();
        var read = body.ReadAsync(buffer, cancellationToken);
        var count = await (read.IsCompleted || response.HasStarted ? read : SendHeadAsync(read, cancellationToken));
        clock.Touch();
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        body.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> SendHeadAsync(ValueTask<int> read, CancellationToken cancellationToken)
    {
        try
        {
            await response.Body.FlushAsync(cancellationToken);
        }
        catch
        {
            // The read still writes into the caller's buffer: it must not get that back before the read is over.
            body.Dispose();
            await read.AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
            throw;
        }

        return await read;
    }
}
