using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.Backends;

namespace Kiro.Balancer.Front.Exchange;

/// <summary>One try of a request at one node: what its counters are told. The same words as <c>Sending.Attempt</c>'s, without
/// its object.</summary>
internal struct FrontAttempt
{
    private BackendPool? _pool;
    private bool _isAwaited;
    private bool _isUnderWay;
    private long _began;
    private TimeSpan _waited;

    /// <summary>The node.</summary>
    public readonly BackendRuntime Runtime => _pool!.Runtime;

    /// <param name="pool">The node's.</param>
    /// <param name="isAwaited">Whether the node has all of the request at once, and owes a response from now on.</param>
    /// <param name="now">The clock's timestamp.</param>
    public void Begin(BackendPool pool, bool isAwaited, long now)
    {
        (_pool, _isAwaited, _isUnderWay, _began) = (pool, isAwaited, true, now);
        pool.Counters.Begin();
        if (isAwaited)
        {
            pool.Counters.Await(now);
        }
    }

    /// <summary>The wait for a response is over, with its head.</summary>
    public void Respond(long now, TimeProvider time)
    {
        Settle();
        _waited = time.GetElapsedTime(_began, now);
        _pool!.Counters.Respond(now);
    }

    /// <summary>The response is complete.</summary>
    public readonly void Record(int status, BackendConnection node) => _pool!.Traffic.Record(status, _waited, node.Sent, node.Received);

    public void End()
    {
        if (_isUnderWay)
        {
            _isUnderWay = false;
            Settle();
            _pool!.Counters.End();
        }
    }

    private void Settle()
    {
        if (_isAwaited)
        {
            _isAwaited = false;
            _pool!.Counters.Settle();
        }
    }
}
