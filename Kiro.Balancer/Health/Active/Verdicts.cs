using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Active;

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
