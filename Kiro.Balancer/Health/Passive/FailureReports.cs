using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;

namespace Kiro.Balancer.Health.Passive;

/// <summary>Hears from requests how their nodes did, and draws the conclusions.</summary>
internal sealed class FailureReports(BackendRegistry registry)
{
    /// <summary>Requests lost in a row that are no accident any more.</summary>
    private const int MaxLossesInARow = 5;

    /// <summary>The node gave a complete response.</summary>
    public static void Responded(BackendRuntime backend) => backend.Counters.ForgetLosses();

    /// <summary>Nobody listens there.</summary>
    public void Refused(BackendRuntime backend, string problem)
    {
        backend.Counters.Fail();
        registry.TakeOut(backend.Backend, problem);
    }

    /// <summary>The node did not accept a connection in time.</summary>
    public void Unaccepted(BackendRuntime backend, string problem)
    {
        if (backend.Counters.Awaiting >= BusyCheck.MinListenQueue)
        {
            // Busy, with a full listen queue, it may be. The probe finds out.
            Unreached(backend);
            return;
        }

        Refused(backend, problem);
    }

    /// <summary>There was no connection, and it is not known whether the node is to blame.</summary>
    public static void Unreached(BackendRuntime backend)
    {
        backend.Counters.Fail();
        backend.ProbeNow.Set();
    }

    /// <summary>A request was lost on an open connection, before or in the middle of its response.</summary>
    public void Lost(BackendRuntime backend)
    {
        Unreached(backend);
        if (backend.Counters.Lose() >= MaxLossesInARow
            && registry.Eject(backend.Backend, $"{MaxLossesInARow} requests in a row were lost"))
        {
            backend.Counters.ForgetLosses();
        }
    }
}
