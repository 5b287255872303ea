using Kiro.Balancer.Front.Exchange;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer.Front.Listening;

/// <summary>The loops that run, for whoever looks in from outside.</summary>
internal sealed class FrontLoops : IWatched
{
    private readonly Lock _changing = new();
    private volatile FrontWorker[] _all = [];
    private int _lastIndex = -1;

    /// <summary>A number that no other loop of this process has.</summary>
    public int NextIndex() => Interlocked.Increment(ref _lastIndex);

    public IReadOnlyList<FrontWorker> All => _all;

    /// <summary>Connections of clients on all loops.</summary>
    public int Clients => _all.Sum(worker => worker.Clients);

    /// <summary>Connections to nodes on all loops, idle and in use. Exact while nothing happens.</summary>
    public int NodeConnections => _all.Sum(worker => worker.Pools.Count);

    /// <summary>What connections hold in buffers, in bytes.</summary>
    public long HeldBytes => _all.Sum(worker => worker.Loop.Buffers.Held);

    /// <summary>Pipes that are open on all loops, for long bodies.</summary>
    public int OpenPipes => _all.Sum(worker => worker.Loop.Pipes.Open);

    public Task LivesAsync() => Task.WhenAll(_all.Select(worker =>
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Loop.Post(static turn => ((TaskCompletionSource)turn!).SetResult(), turn);
        return turn.Task;
    }));

    public void Add(FrontWorker worker)
    {
        lock (_changing)
        {
            _all = [.. _all, worker];
        }
    }

    public void Remove(FrontWorker worker)
    {
        lock (_changing)
        {
            _all = [.. _all.Where(other => other != worker)];
        }
    }
}
