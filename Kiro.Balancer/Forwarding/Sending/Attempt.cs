using System.Diagnostics;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>One try of a request at one node, from the sending to the end of the exchange.</summary>
internal sealed class Attempt : IDisposable
{
    private const int Waiting = 0;
    private const int Settled = 1;
    private const int Abandoned = 2;

    private readonly bool _isAwaited;
    private readonly long _startedAt;
    private readonly bool _mayGoElsewhere;
    private readonly IRetryableRequest? _request;
    private readonly IFailover? _failover;
    private CancellationTokenRegistration _abandoned;
    private IAbandonable? _waiter;
    private bool _isSettled;
    private int _state;

    /// <param name="backend">The node.</param>
    /// <param name="isAwaited">Whether the node has all of the request at once, and owes a response from now on.</param>
    /// <param name="mayGoElsewhere">Whether the request can be sent to another node when this one never answers.</param>
    /// <param name="request">The request.</param>
    /// <param name="failover">Asked, when the node is known to hang, whether the request may leave it. Null: it may.</param>
    public Attempt(BackendRuntime backend, bool isAwaited, bool mayGoElsewhere, IRetryableRequest? request = null, IFailover? failover = null)
    {
        (_request, _failover) = (request, failover);
        Runtime = backend;
        backend.Counters.Begin();
        _startedAt = backend.Traffic.Now;
        (_isAwaited, _mayGoElsewhere) = (isAwaited, mayGoElsewhere);
        if (isAwaited)
        {
            backend.Counters.Await();
        }
    }

    public Backend Backend => Runtime.Backend;

    /// <summary>What runs for the node.</summary>
    public BackendRuntime Runtime { get; }

    /// <summary>Until the head of the response was there; zero before.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Bytes that went to the node; over YARP those of the body, when its length was announced.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes that came from the node; over YARP the same.</summary>
    public long BytesOut { get; set; }

    /// <summary>The node was known to hang before a response began.</summary>
    public bool IsAbandoned => Volatile.Read(ref _state) == Abandoned;

    /// <summary>Has <paramref name="waiter"/> told when the node is known to hang and no response has begun.</summary>
    public void OnAbandon(IAbandonable waiter)
    {
        if (_mayGoElsewhere)
        {
            _waiter = waiter;
            _abandoned = Runtime.Abandoned.UnsafeRegister(static attempt => ((Attempt)attempt!).OnAbandoned(), this);
        }
    }

    /// <summary>Ends what <see cref="OnAbandon"/> began.</summary>
    public void Unregister() => _abandoned.Unregister();

    /// <summary>The wait for a response is over: with its head, or without.</summary>
    public void Settle(bool responded)
    {
        if (_isSettled)
        {
            return;
        }

        // Whoever is first decides: a response that has begun is not given up, and the other way round.
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

/// <summary>Decides whether a request that waits for a node may leave it for another.</summary>
internal interface IFailover
{
    /// <returns>False when it goes on waiting, for there is nothing better.</returns>
    bool TryFailOver(IRetryableRequest request, Backend from);
}

/// <summary>Waits for a node's response.</summary>
internal interface IAbandonable
{
    /// <summary>The node is known to hang: wait no longer.</summary>
    void Abandon();
}

/// <summary>The span around one try of a request at one node, named as OpenTelemetry's conventions for HTTP clients say.</summary>
internal static class ForwardingSpan
{
    private static readonly ActivitySource Source = new("Kiro.Forwarding");

    /// <returns>Null when this request's is not wanted.</returns>
    public static Activity? Start(ForwardedRequest request, Attempt attempt)
    {
        var span = Source.StartActivity(request.Context.Request.Method, ActivityKind.Client);
        return span?
            .SetTag("http.request.method", request.Context.Request.Method)
            .SetTag("server.address", attempt.Backend.Host)
            .SetTag("server.port", attempt.Backend.Port)
            .SetTag("url.path", request.Context.Request.Path.Value);
    }

    /// <summary>Notes how it ended.</summary>
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
