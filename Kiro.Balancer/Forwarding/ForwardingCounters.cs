namespace Kiro.Balancer.Forwarding;

/// <summary>What the balancer forwarded since its start.</summary>
internal sealed class ForwardingCounters
{
    private long _requests;
    private long _retries;
    private long _errors;

    /// <summary>Requests of clients, however often each was tried.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Tries after a first one.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Requests that the balancer itself had to answer with an error.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    public void Request() => Interlocked.Increment(ref _requests);

    public void Retry() => Interlocked.Increment(ref _retries);

    public void Error() => Interlocked.Increment(ref _errors);
}
