namespace Kiro.Balancer.Logging;

/// <summary>Log messages. Event ids: 1–19 backends, 20–29 discovery, 30–39 requests, 40 access log, 50–59 listening, 60–69 peers.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Backend} joined")]
    public static partial void Joined(this ILogger logger, object backend);

    [LoggerMessage(2, LogLevel.Information, "{Backend} left")]
    public static partial void Left(this ILogger logger, object backend);

    [LoggerMessage(3, LogLevel.Information, "{Backend} is {State}{Reason}")]
    public static partial void StateChanged(this ILogger logger, object backend, string state, string reason);

    [LoggerMessage(8, LogLevel.Information, "{Backend} is {Condition}")]
    public static partial void ConditionChanged(this ILogger logger, object backend, string condition);

    [LoggerMessage(4, LogLevel.Error, "Probing {Backend} failed unexpectedly")]
    public static partial void ProbeBroke(this ILogger logger, Exception exception, object backend);

    [LoggerMessage(5, LogLevel.Information, "{Backend} now has weight {Weight}")]
    public static partial void Weighted(this ILogger logger, object backend, double weight);

    [LoggerMessage(6, LogLevel.Error, "Recording an event failed unexpectedly")]
    public static partial void TimelineBroke(this ILogger logger, Exception exception);

    [LoggerMessage(7, LogLevel.Information, "{Backend} is not up yet{Reason}")]
    public static partial void Awaited(this ILogger logger, object backend, string reason);

    [LoggerMessage(20, LogLevel.Warning, "Looking up {Source} failed, the last result stays in use: {Problem}")]
    public static partial void LookupFailed(this ILogger logger, string source, string problem);

    [LoggerMessage(21, LogLevel.Information, "Looking up {Source} works again")]
    public static partial void LookupWorks(this ILogger logger, string source);

    [LoggerMessage(30, LogLevel.Debug, "{Method} {Path} is retried on another node, {Backend} failed: {Problem}")]
    public static partial void Retrying(this ILogger logger, string method, string path, object backend, string problem);

    [LoggerMessage(31, LogLevel.Warning, "{Method} {Path} failed at {Backend} with {Status}: {Problem}")]
    public static partial void RequestFailed(this ILogger logger, string method, string path, object backend, int status, string problem);

    [LoggerMessage(32, LogLevel.Error, "An event loop failed unexpectedly; the connection at fault was closed")]
    public static partial void LoopBroke(this ILogger logger, Exception exception);

    [LoggerMessage(34, LogLevel.Debug, "The TLS handshake of {Client} failed: {Problem}")]
    public static partial void HandshakeFailed(this ILogger logger, object client, string problem);

    [LoggerMessage(40, LogLevel.Information, "client={Client} method={Method} path={Path} status={Status} bytes={Bytes} ms={Milliseconds} node={Node} tries={Tries}")]
    public static partial void Served(
        this ILogger logger, string client, string method, string path, int status, string bytes, double milliseconds, string node, int tries);

    [LoggerMessage(50, LogLevel.Information, "{Count} certificates loaded")]
    public static partial void CertificatesLoaded(this ILogger logger, int count);

    [LoggerMessage(51, LogLevel.Warning, "{Problem}")]
    public static partial void CertificatesRefused(this ILogger logger, string problem);

    [LoggerMessage(56, LogLevel.Warning, "{Warning}")]
    public static partial void CertificateExpires(this ILogger logger, string warning);

    [LoggerMessage(60, LogLevel.Information, "The balancer {Peer} is reachable")]
    public static partial void PeerReachable(this ILogger logger, object peer);

    [LoggerMessage(61, LogLevel.Warning, "The balancer {Peer} {Problem}")]
    public static partial void PeerUnreachable(this ILogger logger, object peer, string problem);

    [LoggerMessage(62, LogLevel.Error, "Asking the balancer {Peer} failed unexpectedly")]
    public static partial void PeerBroke(this ILogger logger, Exception exception, object peer);

    [LoggerMessage(63, LogLevel.Warning, "Not every balancer of BALANCER_PEERS has responded within {Seconds} s; this one serves now")]
    public static partial void PeersLate(this ILogger logger, double seconds);

    [LoggerMessage(64, LogLevel.Warning, "Looking up {Name} of BALANCER_PEERS failed, the last addresses stay in use: {Problem}")]
    public static partial void PeerLookupFailed(this ILogger logger, string name, string problem);
}
