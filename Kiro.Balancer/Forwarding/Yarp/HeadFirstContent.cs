using System.Net;

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
