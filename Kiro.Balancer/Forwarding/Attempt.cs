using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding;

/// <summary>One try of a request at one node, from the sending to the end of the exchange.</summary>
internal sealed class Attempt : IDisposable
{
    private const int Waiting = 0;
    private const int Settled = 1;
    private const int GivenUp = 2;

    private readonly CancellationTokenSource? _giveUp;
    private readonly CancellationTokenRegistration _abandoned;
    private readonly bool _isAwaited;
    private int _state;

    /// <param name="backend">The node.</param>
    /// <param name="isAwaited">Whether the node has all of the request at once, and owes an answer from now on.</param>
    /// <param name="mayGoElsewhere">Whether the request can be sent to another node when this one never answers.</param>
    public Attempt(Backend backend, bool isAwaited, bool mayGoElsewhere)
    {
        Backend = backend;
        backend.Counters.Begin();
        _isAwaited = isAwaited;
        if (isAwaited)
        {
            backend.Counters.Await();
        }

        if (mayGoElsewhere)
        {
            _giveUp = new CancellationTokenSource();
            _abandoned = backend.Abandoned.UnsafeRegister(static attempt => ((Attempt)attempt!).OnAbandoned(), this);
        }
    }

    public Backend Backend { get; }

    /// <summary>Fires when the node is known to hang and no answer has begun.</summary>
    public CancellationToken GiveUp => _giveUp?.Token ?? CancellationToken.None;

    /// <summary>The wait for an answer is over: with its head, or without.</summary>
    public void Settle(bool answered)
    {
        // Whoever is first decides: an answer that has begun is not given up, and the other way round.
        var before = Interlocked.CompareExchange(ref _state, Settled, Waiting);
        if (before == Settled)
        {
            return;
        }

        _state = Settled;
        _abandoned.Unregister();
        if (_isAwaited)
        {
            Backend.Counters.Settle();
        }

        if (answered)
        {
            Backend.Counters.Answer();
        }
    }

    public void Dispose()
    {
        // The source is left to the collector: it has no timer, and a node that is being given up may just be firing it.
        Settle(answered: false);
        Backend.Counters.End();
    }

    private void OnAbandoned()
    {
        if (Interlocked.CompareExchange(ref _state, GivenUp, Waiting) == Waiting)
        {
            _giveUp!.Cancel();
        }
    }
}
