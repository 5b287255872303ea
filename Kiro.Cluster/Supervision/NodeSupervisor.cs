using System.Globalization;
using Kiro.Cluster.Health;
using Kiro.Cluster.Nodes;

namespace Kiro.Cluster.Supervision;

/// <summary>Keeps one node running until the cluster stops.</summary>
/// <param name="node">The node.</param>
/// <param name="run">Runs its program once; returns the exit code, or null if it was stopped.</param>
/// <param name="watch">Waits until a started node is healthy.</param>
/// <param name="say">Prints a message.</param>
/// <param name="time">The clock.</param>
internal sealed class NodeSupervisor(
    Node node, Func<Task<int?>> run, StartWatch watch, Action<string> say, TimeProvider time)
{
    // In a terminal, Ctrl-C also reaches the nodes: one may exit before the runner has received it.
    private static readonly TimeSpan SignalGrace = TimeSpan.FromMilliseconds(100);

    private readonly RestartDelay _delay = new();
    private readonly TaskCompletionSource _healthy = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _hasServed;
    private volatile string? _ended;
    private volatile int _restarts;

    public Node Node => node;

    /// <summary>Completes once the node has been healthy.</summary>
    public Task Healthy => _healthy.Task;

    /// <summary>Why it is not healthy yet.</summary>
    public string Problem { get; private set; } = "has not started";

    /// <summary>Why it is degraded, or null if it is not.</summary>
    public string? Degraded { get; private set; }

    /// <summary>How often it was restarted.</summary>
    public int Restarts => _restarts;

    /// <summary>Why its process is not running, or null if it is.</summary>
    public string? Ended => _ended;

    /// <summary>Runs it, restarting it after crashes.</summary>
    /// <returns>False if it cannot start at all, for a reason that it has printed itself.</returns>
    public async Task<bool> RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            var start = time.GetTimestamp();
            var exit = await RunOnceAsync(stopping);
            var ran = time.GetElapsedTime(start);
            await PauseAsync(SignalGrace, stopping);
            if (stopping.IsCancellationRequested || exit is not { } code)
            {
                break;
            }

            if (code == 1 && !_hasServed)
            {
                say($"{node.Name} cannot start; stopping.");
                return false;
            }

            _ended = ExitText.Of(code);
            var pause = _delay.After(ran);
            say(string.Create(CultureInfo.InvariantCulture,
                $"{node.Name} {_ended}; restarting in {pause.TotalSeconds:0.#} s."));
            await PauseAsync(pause, stopping);
            _restarts++;
            _ended = null;
        }

        return true;
    }

    private async Task<int?> RunOnceAsync(CancellationToken stopping)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var watching = WatchAsync(ended.Token);
        try
        {
            return await run();
        }
        finally
        {
            await ended.CancelAsync();
            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task WatchAsync(CancellationToken ended)
    {
        await watch.UntilHealthyAsync(node, health =>
        {
            _hasServed |= health.Serves;
            (Problem, Degraded) = (health.Problem ?? "", health.Degraded);
        }, ended);
        _healthy.TrySetResult();
        if (_restarts > 0)
        {
            say($"{node.Name} is healthy again.");
        }
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken stopping) =>
        await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

/// <summary>The delay before a crashed node is restarted: 0.5 s, doubling each time up to 30 s.</summary>
internal sealed class RestartDelay
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(30);

    /// <summary>A run of this length resets the delay.</summary>
    private static readonly TimeSpan GoodRun = TimeSpan.FromSeconds(30);

    private TimeSpan _next = First;

    /// <param name="run">How long the node ran.</param>
    public TimeSpan After(TimeSpan run)
    {
        var delay = run >= GoodRun ? First : _next;
        _next = delay * 2 < Max ? delay * 2 : Max;
        return delay;
    }
}
