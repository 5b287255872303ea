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
/// Forwards response trailers to HTTP/1.1 clients. Kestrel cannot send these, but it leaves the framing to whoever sets Transfer-Encoding, so
/// the chunked encoding is applied here.
/// </summary>
internal sealed class ResponseTrailers
{
    private readonly IHttpResponseBodyFeature _body;
    private readonly PipeWriter _output;

    private ResponseTrailers(IHttpResponseBodyFeature body) => (_body, _output) = (body, body.Writer);

    /// <returns>Null if the client cannot take trailers this way, or the response has no body for them to follow.</returns>
    public static ResponseTrailers? Announce(HttpContext context, HttpResponseMessage response)
    {
        // With HTTP/2, trailers may follow any body of unknown length.
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

    /// <summary>Restores Kestrel's framing for another response; nothing has been sent.</summary>
    public void Discard(HttpContext context) => context.Features.Set(_body);

    /// <summary>Writes the last chunk and the trailers.</summary>
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

/// <summary>Writes each block as a chunk (RFC 9112, section 7.1), without the last chunk.</summary>
internal sealed class ChunkedStream(IHttpResponseBodyFeature body) : ForwardOnlyStream
{
    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        // Kestrel's writer cannot provide buffers before the response has started.
        await body.StartAsync(cancellationToken);
        var output = body.Writer;
        output.Write(Encoding.ASCII.GetBytes(buffer.Length.ToString("x", null) + "\r\n"));
        output.Write(buffer.Span);
        output.Write("\r\n"u8);
        await output.FlushAsync(cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken) => await body.Writer.FlushAsync(cancellationToken);
}

/// <summary>The response body as an <see cref="EarlyHeadStream"/>.</summary>
internal sealed class EarlyHeadContent(HttpContent body, HttpResponse response, ExchangeTimeout timeout) : HttpContent
{
    protected override async Task<Stream> CreateContentReadStreamAsync() =>
        new EarlyHeadStream(await body.ReadAsStreamAsync(), response, timeout);

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
/// Sends the response head as soon as the body has to be waited for. YARP would send it with the first bytes of the body, which for an event
/// stream may be minutes later.
/// </summary>
internal sealed class EarlyHeadStream(Stream body, HttpResponse response, ExchangeTimeout timeout) : ForwardOnlyStream
{
    private PeriodicYield _turns;

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turns.YieldAsync();
        var read = body.ReadAsync(buffer, cancellationToken);
        var count = await (read.IsCompleted || response.HasStarted ? read : SendHeadAsync(read, cancellationToken));
        timeout.Touch();
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
            // The pending read still writes into the caller's buffer: wait for it before the buffer is returned.
            body.Dispose();
            await read.AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
            throw;
        }

        return await read;
    }
}
