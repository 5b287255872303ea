namespace Kiro.Balancer.Listening;

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
