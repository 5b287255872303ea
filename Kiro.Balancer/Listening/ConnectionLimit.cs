using System.Text;

namespace Kiro.Balancer.Listening;

/// <summary>
/// Counts the connections of clients, all listeners together, and says when there are as many as there may be.
/// One atomic addition when a connection comes and one when it goes; nothing here knows what the connection is.
/// </summary>
/// <param name="max">How many may be open, at least 1.</param>
internal sealed class ConnectionLimit(int max)
{
    private int _max = max;
    private int _open;
    private long _refused;

    /// <summary>How many may be open.</summary>
    public int Max
    {
        get => Volatile.Read(ref _max);
        set => Volatile.Write(ref _max, value);
    }

    /// <summary>How many are.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many were refused since the start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>To be asked after a connection was accepted.</summary>
    /// <returns>False when it must be refused and closed; then <see cref="Leave"/> is not due.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= Max)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        Refuse();
        return false;
    }

    /// <summary>Counts a connection that is refused for another reason.</summary>
    public void Refuse() => Interlocked.Increment(ref _refused);

    /// <summary>To be told once the descriptor of a connection that entered is closed.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);
}

/// <summary>
/// How many connections of clients the descriptors allow. A client that is served has a connection to a node, too, so each
/// counts twice; what the process itself has open, and a reserve for probes, lookups, the pages and what the runtime opens
/// later, is left out.
/// </summary>
/// <param name="Connections">At least 1: whether there really is a descriptor for it shows when it comes.</param>
/// <param name="FirstReserved">The number of a descriptor from which on they are not for clients. The system always gives the
/// lowest that is free, so the number of a new one tells how many there are.</param>
internal readonly record struct ConnectionBudget(int Connections, long FirstReserved)
{
    private const int MinReserve = 12;
    private const int MaxReserve = 64;

    /// <summary>Between the two, this part of the free descriptors is the reserve.</summary>
    private const int ReservedPart = 4;

    private const int MaxConnections = 10_000_000;

    /// <param name="limit">All descriptors.</param>
    /// <param name="inUse">Those that the process has before the first client comes.</param>
    public static ConnectionBudget Of(long limit, int inUse)
    {
        var free = Math.Max(0, limit - inUse);
        var reserve = Math.Clamp(free / ReservedPart, MinReserve, MaxReserve);
        return new ConnectionBudget((int)Math.Clamp((free - reserve) / 2, 1, MaxConnections), limit - reserve);
    }

    /// <summary>The descriptors that this process has open for itself, which are all but sockets; 0 where that cannot be told.</summary>
    public static int InUse()
    {
        try
        {
            return new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos()
                .Count(entry => entry.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) != true);
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}

/// <summary>What a connection is told that cannot be served, before it is closed. For plain HTTP; before TLS nothing can be said.</summary>
internal static class Refusal
{
    /// <summary>When there are as many connections as there may be, of all clients together.</summary>
    public static ReadOnlyMemory<byte> TooManyConnections { get; } = Response(503, "Service Unavailable", "too many connections");

    /// <summary>When one client has as many as it may have.</summary>
    public static ReadOnlyMemory<byte> TooManyOfOneClient { get; } =
        Response(429, "Too Many Requests", "too many connections from your address");

    /// <summary>When a request comes in plain where TLS is spoken.</summary>
    public static ReadOnlyMemory<byte> NeedsTls { get; } = Response(400, "Bad Request", "this port speaks HTTPS", retryAfter: null);

    // Problem details (RFC 9457).
    private static byte[] Response(int status, string title, string detail, string? retryAfter = "Retry-After: 1\r\n")
    {
        var body = $$"""{"type":"about:blank","title":"{{title}}","status":{{status}},"detail":"{{detail}}","error":"{{detail}}"}""";
        return Encoding.ASCII.GetBytes(string.Join("\r\n",
            $"HTTP/1.1 {status} {title}", "Content-Type: application/problem+json", $"Content-Length: {body.Length}",
            "Cache-Control: no-store", $"{retryAfter}Connection: close", "", body));
    }
}
