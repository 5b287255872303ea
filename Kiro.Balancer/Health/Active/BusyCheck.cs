using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>
/// Tells a node that is busy from one that is gone, when it lets a probe wait. A node that does one thing at a time and
/// works on a slow request looks like one that is frozen: it accepts, and responds to nobody. So silence alone takes a node
/// out only when being busy does not explain it:
/// <list type="bullet">
/// <item>it has nothing in hand;</item>
/// <item>it said of itself, in its health response, that it serves requests at the same time (<c>"concurrent": true</c>);</item>
/// <item>so many requests wait for it (<see cref="ManyWaiting"/>) that more is lost by waiting;</item>
/// <item>it does not even accept, although a listen queue cannot be full yet;</item>
/// <item>it has been silent for <c>HEALTH_BUSY_TIMEOUT</c>, or three times that when it has only one request in hand.</item>
/// </list>
/// Whoever responds to others while a probe waits is not gone, either. One for each node, for its probe loop alone.
/// </summary>
internal sealed class BusyCheck(BackendRuntime backend, Reloadable<HealthOptions> options, TimeProvider time)
{
    /// <summary>Requests that wait at once which are no queue behind a slow one any more.</summary>
    public const int ManyWaiting = 16;

    /// <summary>The shortest listen queue in use (Python's socketserver).</summary>
    public const int MinListenQueue = 5;

    private const int AloneFactor = 3;

    private long? _silentSince;

    /// <summary>The result, or <see cref="ProbeOutcome.Busy"/> in its place.</summary>
    /// <param name="probe">What the probe found.</param>
    /// <param name="began">When the probe began, as <see cref="TimeProvider.GetTimestamp"/>.</param>
    /// <param name="isConcurrent">Whether the node says that it serves requests at the same time.</param>
    public ProbeResult Judge(ProbeResult probe, long began, bool isConcurrent)
    {
        if (probe.Outcome is not (ProbeOutcome.Silent or ProbeOutcome.Unaccepted))
        {
            _silentSince = null;
            return probe;
        }

        var counters = backend.Counters;
        if (counters.HasSignSince(began))
        {
            _silentSince = null;
            return Busy(probe, "others got a response meanwhile");
        }

        _silentSince ??= began;
        var timeout = options.Value.BusyTimeout;
        var (inHand, waiting) = (counters.InFlight, counters.Awaiting);
        if (isConcurrent || inHand == 0 || waiting >= ManyWaiting
            || (probe.Outcome == ProbeOutcome.Unaccepted && waiting < MinListenQueue)
            || time.GetElapsedTime(_silentSince.Value) >= (inHand == 1 ? AloneFactor * timeout : timeout))
        {
            return probe;
        }

        return Busy(probe, string.Create(CultureInfo.InvariantCulture, $"it has {inHand} in hand"));
    }

    private static ProbeResult Busy(ProbeResult probe, string why) => probe with { Outcome = ProbeOutcome.Busy, Error = $"{probe.Error}, but {why}" };
}
