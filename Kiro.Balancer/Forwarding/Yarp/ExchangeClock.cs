using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Cancels an exchange that has stood still for too long, or whose node is known to hang. YARP has one such clock
/// too, but must be told before the request how long a response's kind may be silent.</summary>
internal sealed class ExchangeClock : IGivesUp, IDisposable
{
    // Not disposed: it has no timer, and a node that is being given up may just be firing it.
    private readonly CancellationTokenSource _source = new();
    private readonly ITimer _timer;
    private readonly TimeSpan _limit;
    private bool _isStopped;

    /// <param name="limit">For how long the exchange may stand still.</param>
    /// <param name="time">The clock behind it.</param>
    public ExchangeClock(TimeSpan limit, TimeProvider time)
    {
        _limit = limit;
        _timer = time.CreateTimer(static clock => ((ExchangeClock)clock!).RunOut(), this, limit, Timeout.InfiniteTimeSpan);
    }

    /// <summary>For a request's content, which HttpClient sends by itself.</summary>
    public static HttpRequestOptionsKey<ExchangeClock> Key { get; } = new("Kiro.ExchangeClock");

    public CancellationToken Token => _source.Token;

    /// <summary>No byte has moved for too long.</summary>
    public bool HasRunOut { get; private set; }

    /// <summary>A byte has moved.</summary>
    public void Touch()
    {
        if (!_isStopped)
        {
            _timer.Change(_limit, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>From here on it is YARP's clock that counts.</summary>
    public void Stop()
    {
        _isStopped = true;
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void GiveUp() => _source.Cancel();

    public void Dispose() => _timer.Dispose();

    private void RunOut()
    {
        HasRunOut = true;
        _source.Cancel();
    }
}
