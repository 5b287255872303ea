using System.Diagnostics;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>One attempt to send a request to a backend.</summary>
internal sealed class Attempt : IDisposable
{
    private const int Waiting = 0;
    private const int Settled = 1;
    private const int Abandoned = 2;

    private readonly bool _isAwaited;
    private readonly long _startedAt;
    private readonly bool _isRetryable;
    private readonly IRetryableRequest? _request;
    private readonly IFailover? _failover;
    private CancellationTokenRegistration _abandoned;
    private IAbandonable? _waiter;
    private bool _isSettled;
    private int _state;

    /// <param name="backend">The backend.</param>
    /// <param name="isAwaited">Whether the backend gets the whole request at once, and owes a response from now on.</param>
    /// <param name="isRetryable">Whether the request may go to another backend if this one hangs.</param>
    /// <param name="request">The request; null only without a <paramref name="failover"/>.</param>
    /// <param name="failover">Decides whether the request leaves a hung backend; null always allows it.</param>
    public Attempt(BackendRuntime backend, bool isAwaited, bool isRetryable, IRetryableRequest? request = null, IFailover? failover = null)
    {
        (_request, _failover) = (request, failover);
        Runtime = backend;
        backend.Counters.Begin();
        _startedAt = backend.Traffic.Now;
        (_isAwaited, _isRetryable) = (isAwaited, isRetryable);
        if (isAwaited)
        {
            backend.Counters.Await();
        }
    }

    public Backend Backend => Runtime.Backend;

    public BackendRuntime Runtime { get; }

    /// <summary>Time to the head of the response; zero until then.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Bytes sent to the backend; with YARP, only bodies of known length.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes received from the backend; with YARP, only bodies of known length.</summary>
    public long BytesOut { get; set; }

    /// <summary>Whether the attempt was abandoned because the backend hangs.</summary>
    public bool IsAbandoned => Volatile.Read(ref _state) == Abandoned;

    /// <summary>Registers <paramref name="waiter"/> to be told if the backend hangs before it has responded.</summary>
    public void OnAbandon(IAbandonable waiter)
    {
        if (_isRetryable)
        {
            _waiter = waiter;
            _abandoned = Runtime.Abandoned.UnsafeRegister(static attempt => ((Attempt)attempt!).OnAbandoned(), this);
        }
    }

    /// <summary>Undoes <see cref="OnAbandon"/>.</summary>
    public void Unregister() => _abandoned.Unregister();

    /// <summary>Ends the wait for the response.</summary>
    public void Settle(bool responded)
    {
        if (_isSettled)
        {
            return;
        }

        // A response that has begun is not abandoned, and the other way round: the first one wins.
        Interlocked.CompareExchange(ref _state, Settled, Waiting);
        _isSettled = true;
        _abandoned.Unregister();
        if (_isAwaited)
        {
            Runtime.Counters.Settle();
        }

        if (responded)
        {
            Waited = Runtime.Traffic.Since(_startedAt);
            Runtime.Counters.Respond();
        }
    }

    public void Dispose()
    {
        Settle(responded: false);
        Runtime.Counters.End();
    }

    private void OnAbandoned()
    {
        if (Volatile.Read(ref _state) == Waiting && _failover?.TryFailOver(_request!, Backend) != false
            && Interlocked.CompareExchange(ref _state, Abandoned, Waiting) == Waiting)
        {
            _waiter!.Abandon();
        }
    }
}

/// <summary>Decides whether a request may leave a hung backend.</summary>
internal interface IFailover
{
    /// <returns>False if it keeps waiting.</returns>
    bool TryFailOver(IRetryableRequest request, Backend from);
}

/// <summary>Waits for a response that may be abandoned.</summary>
internal interface IAbandonable
{
    /// <summary>Stops waiting: the backend hangs.</summary>
    void Abandon();
}

/// <summary>The span of an attempt, according to OpenTelemetry's semantic conventions for HTTP clients.</summary>
internal static class ForwardingSpan
{
    private static readonly ActivitySource Source = new("Kiro.Forwarding");

    /// <returns>Null if the request is not sampled.</returns>
    public static Activity? Start(ForwardedRequest request, Attempt attempt)
    {
        var span = Source.StartActivity(request.Context.Request.Method, ActivityKind.Client);
        return span?
            .SetTag("http.request.method", request.Context.Request.Method)
            .SetTag("server.address", attempt.Backend.Host)
            .SetTag("server.port", attempt.Backend.Port)
            .SetTag("url.path", request.Context.Request.Path.Value);
    }

    public static void End(Activity? span, int status, RequestFailure? failure)
    {
        if (failure is { } broken)
        {
            span?.SetStatus(ActivityStatusCode.Error, broken.Problem).SetTag("error.type", broken.Point.ToString());
        }
        else
        {
            span?.SetTag("http.response.status_code", status);
            if (status >= StatusCodes.Status400BadRequest)
            {
                span?.SetStatus(ActivityStatusCode.Error);
            }
        }
    }
}
