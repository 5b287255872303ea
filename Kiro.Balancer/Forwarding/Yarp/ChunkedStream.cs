using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Writes every block as a chunk (RFC 9112, section 7.1). The last chunk is left to its owner.</summary>
internal sealed class ChunkedStream(PipeWriter output) : ForwardOnlyStream
{
    public override bool CanWrite => true;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        output.Write(Encoding.ASCII.GetBytes(buffer.Length.ToString("x", null) + "\r\n"));
        output.Write(buffer.Span);
        output.Write("\r\n"u8);
        await output.FlushAsync(cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken) => await output.FlushAsync(cancellationToken);
}
