using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>What a request that will be logged gathers on its way.</summary>
internal sealed class AccessRecord
{
    /// <summary>The node that was tried last; null when none was.</summary>
    public KnownBackend? Backend { get; private set; }

    public int Tries { get; private set; }

    public void Tried(KnownBackend backend)
    {
        Backend = backend;
        Tries++;
    }
}
