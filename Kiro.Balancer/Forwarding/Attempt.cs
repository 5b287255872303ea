using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding;

/// <summary>One try of a request at one node, from the sending to the end of the exchange.</summary>
internal sealed class Attempt : IDisposable
{
    private readonly CancellationTokenSource? _giveUp;
    private readonly CancellationTokenRegistration _abandoned;
    private bool _isSettled;

    /// <param name="backend">The node.</param>
    /// <param name="mayGoElsewhere">Whether the request can be sent to another node when this one never answers.</param>
    public Attempt(Backend backend, bool mayGoElsewhere)
    {
        Backend = backend;
        backend.Counters.Begin();
        if (mayGoElsewhere)
        {
            _giveUp = new CancellationTokenSource();
            _abandoned = backend.Abandoned.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _giveUp);
        }
    }

    public Backend Backend { get; }

    /// <summary>Fires when the node is known to hang and no answer has begun.</summary>
    public CancellationToken GiveUp => _giveUp?.Token ?? CancellationToken.None;

    /// <summary>The wait for an answer is over: with its head, or without.</summary>
    public void Settle(bool answered)
    {
        if (!_isSettled)
        {
            _isSettled = true;
            // From here on the exchange is the node's business: being slow now is no reason to cut it.
            _abandoned.Unregister();
            Backend.Counters.Settle(answered);
        }
    }

    public void Dispose()
    {
        // The source is left to the collector: it has no timer, and a node that is being given up may just be firing it.
        Settle(answered: false);
        Backend.Counters.End();
    }
}
