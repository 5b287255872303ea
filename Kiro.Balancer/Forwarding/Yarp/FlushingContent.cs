using System.Net;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A request body that is flushed piece by piece; HttpClient would hold back small ones. If the backend responds early and closes, the rest is
/// discarded and the response counts.
/// </summary>
internal sealed class FlushingContent : HttpContent
{
    private static readonly byte[] Padding = new byte[64 * 1024];

    private readonly HttpContent _body;

    private readonly ExchangeTimeout? _timeout;

    /// <param name="body">The content to send.</param>
    /// <param name="timeout">Restarted with every piece.</param>
    public FlushingContent(HttpContent body, ExchangeTimeout? timeout)
    {
        (_body, _timeout) = (body, timeout);
        foreach (var (name, values) in body.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var prompt = new FlushingStream(stream, _timeout);
        await _body.CopyToAsync(prompt, context, cancellationToken);
        if (!prompt.HasResponded)
        {
            return;
        }

        // HttpClient reads no response before it has written the declared length. BackendStream drops it.
        for (var left = (Headers.ContentLength ?? 0) - prompt.Written; left > 0; left -= Padding.Length)
        {
            await stream.WriteAsync(Padding.AsMemory(0, (int)Math.Min(left, Padding.Length)), cancellationToken);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        _body.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Flushes every write to the connection, and notes when the backend has responded early.</summary>
internal sealed class FlushingStream(Stream connection, ExchangeTimeout? timeout) : ForwardOnlyStream
{
    private PeriodicYield _turns;

    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>Whether the backend has responded and nothing more can be sent.</summary>
    public bool HasResponded { get; private set; }

    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written += buffer.Length;
        try
        {
            await connection.WriteAsync(buffer, cancellationToken);
            await connection.FlushAsync(cancellationToken);
            timeout?.Touch();
            await _turns.YieldAsync();
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await connection.FlushAsync(cancellationToken);
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }
}
