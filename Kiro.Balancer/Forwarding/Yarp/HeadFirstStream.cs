using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Sends the head of an answer as soon as its body keeps us waiting. YARP sends it with the first bytes of the body,
/// which for a stream of events may come minutes later.
/// </summary>
internal sealed class HeadFirstStream(Stream body, HttpResponse response) : ForwardOnlyStream
{
    public override bool CanRead => true;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = body.ReadAsync(buffer, cancellationToken);
        return read.IsCompleted || response.HasStarted ? read : SendHeadAsync(read, cancellationToken);
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
