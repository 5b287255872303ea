using System.Net;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A request's body on its way to a node. Every piece is sent when it comes: HttpClient would hold back small ones.
/// When the node answers and closes before it has the whole body, the rest goes nowhere and the response counts.
/// </summary>
internal sealed class PromptContent : HttpContent
{
    private static readonly byte[] Nothing = new byte[64 * 1024];

    private readonly HttpContent _body;

    private readonly ExchangeClock? _clock;

    /// <param name="body">What is sent.</param>
    /// <param name="clock">Told of every piece.</param>
    public PromptContent(HttpContent body, ExchangeClock? clock)
    {
        (_body, _clock) = (body, clock);
        foreach (var (name, values) in body.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var prompt = new PromptStream(stream, _clock);
        await _body.CopyToAsync(prompt, context, cancellationToken);
        if (!prompt.HasResponded)
        {
            return;
        }

        // HttpClient reads no response before it has written as much as was announced. The connection drops it.
        for (var left = (Headers.ContentLength ?? 0) - prompt.Written; left > 0; left -= Nothing.Length)
        {
            await stream.WriteAsync(Nothing.AsMemory(0, (int)Math.Min(left, Nothing.Length)), cancellationToken);
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

/// <summary>Writes a request's body through to the connection, and notes when that one wants no more of it.</summary>
internal sealed class PromptStream(Stream connection, ExchangeClock? clock) : Stream
{
    private TurnTaking _turns;

    /// <summary>Bytes that HttpClient was given.</summary>
    public long Written { get; private set; }

    /// <summary>The node's response is there already, and nothing more can be sent.</summary>
    public bool HasResponded { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written += buffer.Length;
        try
        {
            await connection.WriteAsync(buffer, cancellationToken);
            await connection.FlushAsync(cancellationToken);
            clock?.Touch();
            await _turns.GiveWayAsync();
        }
        catch (EarlyResponseException)
        {
            HasResponded = true;
            throw;
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

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

    public override void Flush() => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>The body of a node's response, read so that the head does not wait for it: <see cref="HeadFirstStream"/>.</summary>
internal sealed class HeadFirstContent(HttpContent body, HttpResponse response, ExchangeClock clock) : HttpContent
{
    protected override async Task<Stream> CreateContentReadStreamAsync() =>
        new HeadFirstStream(await body.ReadAsStreamAsync(), response, clock);

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
internal sealed class HeadFirstStream(Stream body, HttpResponse response, ExchangeClock clock) : ForwardOnlyStream
{
    private TurnTaking _turns;

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turns.GiveWayAsync();
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
