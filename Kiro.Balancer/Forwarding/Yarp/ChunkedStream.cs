using System.Buffers;
using System.Text;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding.Yarp;

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
