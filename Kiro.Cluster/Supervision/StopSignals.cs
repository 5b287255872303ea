using System.Runtime.InteropServices;

namespace Kiro.Cluster.Supervision;

/// <summary>The first signal stops the cluster; another Ctrl-C kills what is left.</summary>
internal sealed class StopSignals : IDisposable
{
    // One Ctrl-C may arrive twice: "timeout -s INT", for example, sends it to the process and to its group.
    private static readonly TimeSpan SameKeystroke = TimeSpan.FromMilliseconds(300);

    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _kill = new();
    private readonly PosixSignalRegistration[] _registrations;
    private long _stoppedAt;

    public StopSignals(TimeProvider time)
    {
        _time = time;
        PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];
        _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            Receive(signal);
        }))];
    }

    /// <summary>Stop everything cleanly.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Kill everything now.</summary>
    public CancellationToken Kill => _kill.Token;

    public void Receive(PosixSignal signal)
    {
        if (!_stop.IsCancellationRequested)
        {
            RequestStop();
        }
        else if (signal is PosixSignal.SIGINT or PosixSignal.SIGQUIT && _time.GetElapsedTime(_stoppedAt) >= SameKeystroke)
        {
            _kill.Cancel();
        }
    }

    public void RequestStop()
    {
        _stoppedAt = _time.GetTimestamp();
        _stop.Cancel();
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
        _kill.Dispose();
    }
}
