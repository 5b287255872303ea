using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding;

/// <summary>Tells what a failed try says about its node.</summary>
internal sealed class FailureReports(BackendRegistry registry)
{
    public void Report(Backend backend, RequestFailure failure)
    {
        if (failure.Point is FailurePoint.Balancer or FailurePoint.Request)
        {
            return;
        }

        backend.Counters.Fail();
        if (failure.BlamesNode)
        {
            registry.TakeOut(backend, failure.Problem);
            return;
        }

        backend.ProbeNow.Set();
        if (failure.Point != FailurePoint.Connect && backend.Counters.Lose() >= EjectionRules.LossesInARow)
        {
            registry.Eject(backend, $"{EjectionRules.LossesInARow} requests in a row were lost");
        }
    }
}
