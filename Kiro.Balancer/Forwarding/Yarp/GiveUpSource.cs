using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Cancels what waits for a node that is known to hang.</summary>
internal sealed class GiveUpSource : IGivesUp
{
    // Never disposed: it has no timer, and a node that is being given up may just be firing it.
    private CancellationTokenSource Source { get; } = new();

    public CancellationToken Token => Source.Token;

    public void GiveUp() => Source.Cancel();
}
