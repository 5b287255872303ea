using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;

namespace Kiro.Balancer.Health.Passive;

/// <summary>Passive health checks: acts on the outcome of forwarded requests.</summary>
internal sealed class PassiveHealth(BackendRegistry registry)
{
    /// <summary>Consecutive lost requests that eject a backend.</summary>
    private const int MaxLossesInARow = 5;

    /// <summary>A response was complete.</summary>
    public static void Responded(BackendRuntime backend) => backend.Counters.ResetLosses();

    /// <summary>A connection was refused.</summary>
    public void Refused(BackendRuntime backend, string problem)
    {
        backend.Counters.Fail();
        registry.MarkDown(backend.Backend, problem);
    }

    /// <summary>A connection was not accepted in time.</summary>
    public void ConnectTimedOut(BackendRuntime backend, string problem)
    {
        if (backend.Counters.Awaiting >= BusyCheck.MinListenQueue)
        {
            // The listen queue may be full. A probe finds out.
            Unreachable(backend);
            return;
        }

        Refused(backend, problem);
    }

    /// <summary>No connection, not necessarily through the backend's fault.</summary>
    public static void Unreachable(BackendRuntime backend)
    {
        backend.Counters.Fail();
        backend.ProbeNow.Set();
    }

    /// <summary>A request was lost on an open connection, before or during its response.</summary>
    public void Lost(BackendRuntime backend)
    {
        Unreachable(backend);
        if (backend.Counters.RecordLoss() >= MaxLossesInARow
            && registry.Eject(backend.Backend, $"{MaxLossesInARow} consecutive requests were lost"))
        {
            backend.Counters.ResetLosses();
        }
    }
}
