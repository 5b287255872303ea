using System.Net;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

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
