using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>Reads a small body into memory before the request goes to a node, so that it can go to another one, too.</summary>
internal sealed class KeptBodyPump(FrontLoop loop, OutgoingRequest outgoing)
{
    private int _left;

    /// <summary>There is no such body, or it is all there.</summary>
    public bool IsComplete => _left == 0;

    /// <summary>Begins with what came with the head.</summary>
    /// <param name="length">Of the body.</param>
    /// <param name="bytes">What stands behind the head.</param>
    /// <returns>How much of it belongs to the body.</returns>
    public int Begin(int length, ReadOnlySpan<byte> bytes)
    {
        var here = Math.Min(length, bytes.Length);
        outgoing.Append(bytes[..here]);
        _left = length - here;
        return here;
    }

    /// <summary>Takes what is there.</summary>
    public BodyFault Run(ClientConnection client)
    {
        while (_left > 0)
        {
            var count = client.Fill(needsMore: false);
            if (count <= 0)
            {
                return count == -2 ? BodyFault.Gone
                    : count == 0 || (client.PeerHasEnded && !client.IsReadable) ? BodyFault.Ended : BodyFault.None;
            }

            var bytes = loop.Input.AsSpan(FrontLoop.Lead, count);
            var here = Math.Min(count, _left);
            outgoing.Append(bytes[..here]);
            client.Store(bytes[here..]);
            _left -= here;
        }

        return BodyFault.None;
    }

    /// <summary>It is not needed any more, complete or not.</summary>
    public void End() => _left = 0;
}
