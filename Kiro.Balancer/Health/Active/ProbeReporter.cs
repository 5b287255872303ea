using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Active;

/// <summary>Reports probe results to the registry. Results that arrive while it is busy are batched: a state change copies all backends,
/// which would add up if thousands come up or go down at once.</summary>
internal sealed class ProbeReporter(BackendRegistry registry)
{
    private readonly Lock _collecting = new();
    private List<(Backend Backend, ProbeResult Probe)> _waiting = [];
    private TaskCompletionSource _reported = NewSignal();
    private bool _isReporting;

    /// <summary>Completes when the registry has the result.</summary>
    public Task ReportAsync(Backend backend, ProbeResult probe)
    {
        Task reported;
        lock (_collecting)
        {
            _waiting.Add((backend, probe));
            reported = _reported.Task;
            if (_isReporting)
            {
                return reported;
            }

            _isReporting = true;
        }

        while (Take() is var (probes, signal))
        {
            try
            {
                registry.Probed(probes);
                signal.SetResult();
            }
            catch (Exception failure)
            {
                signal.SetException(failure);
            }
        }

        return reported;
    }

    private (IReadOnlyList<(Backend, ProbeResult)> Probes, TaskCompletionSource Signal)? Take()
    {
        lock (_collecting)
        {
            if (_waiting.Count == 0)
            {
                _isReporting = false;
                return null;
            }

            var taken = (_waiting, _reported);
            (_waiting, _reported) = ([], NewSignal());
            return taken;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
