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

/// <summary>Tells the registry what probes found. Those that end while it is busy with others are told together: a change of state
/// costs a copy of all nodes, and with thousands of them that come up or go down at once it would be one each.</summary>
internal sealed class Verdicts(BackendRegistry registry)
{
    private readonly Lock _collecting = new();
    private List<(Backend Backend, ProbeResult Probe)> _waiting = [];
    private TaskCompletionSource _told = NewSignal();
    private bool _isTelling;

    /// <summary>Ends when the registry knows.</summary>
    public Task GiveAsync(Backend backend, ProbeResult probe)
    {
        Task told;
        lock (_collecting)
        {
            _waiting.Add((backend, probe));
            told = _told.Task;
            if (_isTelling)
            {
                return told;
            }

            _isTelling = true;
        }

        while (Take() is var (verdicts, signal))
        {
            try
            {
                registry.Probed(verdicts);
                signal.SetResult();
            }
            catch (Exception failure)
            {
                signal.SetException(failure);
            }
        }

        return told;
    }

    private (IReadOnlyList<(Backend, ProbeResult)> Verdicts, TaskCompletionSource Signal)? Take()
    {
        lock (_collecting)
        {
            if (_waiting.Count == 0)
            {
                _isTelling = false;
                return null;
            }

            var taken = (_waiting, _told);
            (_waiting, _told) = ([], NewSignal());
            return taken;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
