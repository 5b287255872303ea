using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Where a request goes after a node failed it. It may be tried on several nodes as long as none has seen it, and is given to
/// one more, and no third, after it may have run: a request that breaks or blocks its node must not go through all of them.
/// </summary>
internal sealed class RetryChooser(BackendChooser chooser, RetryBudget budget) : IFailover
{
    /// <returns>Null when the request must not go on to another node, or there is none.</returns>
    public ChosenBackend? Next(IRetryableRequest request, RequestFailure failure)
    {
        var mayHaveRun = failure.Point == FailurePoint.BeforeResponse;
        if (!RetryPolicy.Allows(failure.Point, request.Method, request.Body)
            || request.Tried.Count >= RetryPolicy.MaxTries
            || (mayHaveRun && request.MayHaveRun)
            || chooser.Next(request.Slot, request.Tried) is not { } next
            // Who left a node that hangs has paid already.
            || (failure != RequestFailure.BackendHung && !budget.TryTake()))
        {
            return null;
        }

        request.MayHaveRun |= mayHaveRun;
        return next;
    }

    /// <summary>Once, for a node that is up, and within the budget.</summary>
    public bool TryFailOver(IRetryableRequest request, Backend from) =>
        !request.MayHaveRun
        && request.Tried.Count + 1 < RetryPolicy.MaxTries
        && chooser.Next(request.Slot, [.. request.Tried, from]) is { Known.State: BackendState.Up }
        && budget.TryTake();
}

/// <summary>
/// Bounds retries to a part of the requests, so that nodes which are all in trouble do not get every request several
/// times. A bucket of 1,000 gains a fifth of every request and 10 a second: what good times left over is there for the
/// moment in which a busy node dies with everything that it had in hand.
/// </summary>
/// <param name="requests">Requests of clients since the start; only ever grows.</param>
/// <param name="time">The clock.</param>
internal sealed class RetryBudget(Func<long> requests, TimeProvider time)
{
    private const double Size = 1000;
    private const double Start = 100;
    private const double PerRequest = 0.2;
    private const double PerSecond = 10;

    private readonly Lock _taking = new();
    private double _left = Start;
    private long _requestsSeen;
    private long _lastGain = time.GetTimestamp();
    private long _refused;

    /// <summary>Retries that were not made because the budget was empty.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Takes one retry out of the budget, if there is one.</summary>
    public bool TryTake()
    {
        lock (_taking)
        {
            var (seen, now) = (requests(), time.GetTimestamp());
            var gain = PerRequest * (seen - _requestsSeen) + PerSecond * time.GetElapsedTime(_lastGain, now).TotalSeconds;
            _left = Math.Min(Size, _left + gain);
            (_requestsSeen, _lastGain) = (seen, now);
            if (_left < 1)
            {
                _refused++;
                return false;
            }

            _left--;
            return true;
        }
    }
}

/// <summary>Keeps small bodies of idempotent requests in memory, so that they can be sent to another node.</summary>
internal sealed class BufferedBody : IDisposable
{
    /// <summary>In bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly BufferBudget _all;

    private BufferedBody(byte[] bytes, BufferBudget all) => (Bytes, _all) = (bytes, all);

    /// <summary>The whole body.</summary>
    public byte[] Bytes { get; }

    /// <summary>Whether this request's body is worth keeping. One that waits for "100 Continue" is not: reading it
    /// would promise in the node's place that the body is welcome.</summary>
    public static bool IsFor(HttpRequest request) =>
        request.ContentLength is > 0 and <= MaxBytes
        && RetryPolicy.IsIdempotent(request.Method)
        && request.Headers.Expect.Count == 0;

    /// <summary>Reads the body.</summary>
    /// <returns>Null when the client did not send what it announced: there is nobody, or nothing, to go on with.</returns>
    /// <param name="context">The request; its length has been taken from <paramref name="all"/>.</param>
    /// <param name="all">Gets the length back when the body is not needed any more.</param>
    public static async Task<BufferedBody?> ReadAsync(HttpContext context, BufferBudget all)
    {
        var length = (int)context.Request.ContentLength!.Value;
        try
        {
            var bytes = new byte[length];
            await context.Request.Body.ReadExactlyAsync(bytes, context.RequestAborted);
            return new BufferedBody(bytes, all);
        }
        catch (BadHttpRequestException broken)
        {
            await ErrorResponse.WriteAsync(context, broken.StatusCode, "the request body is incomplete or malformed");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // Nobody waits for a response.
        }

        all.Return(length);
        return null;
    }

    public void Dispose() => _all.Return(Bytes.Length);
}

/// <summary>Bounds the memory of all kept bodies together: beyond it a body is streamed, which only costs its second try.</summary>
internal sealed class BufferBudget
{
    /// <summary>In bytes.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private long _kept;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _kept, bytes) <= MaxBytes)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    public void Return(long bytes) => Interlocked.Add(ref _kept, -bytes);
}
