using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>A request's body of a length that nobody announced, which ends with 413 once there is too much of it. Kestrel's own
/// limit counts the framing of chunks, too.</summary>
internal sealed class BoundedBody(Stream body, BodyLimit limit) : ForwardOnlyStream
{
    private long _passed;

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await body.ReadAsync(buffer, cancellationToken);
        return limit.Refuses(_passed += count)
            ? throw new BadHttpRequestException(BodyLimit.Problem, StatusCodes.Status413PayloadTooLarge) : count;
    }
}
