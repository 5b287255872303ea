using System.Runtime.InteropServices;

namespace Kiro.Balancer.Listening;

/// <summary>The descriptor limit of this process: RLIMIT_NOFILE, see setrlimit(2).</summary>
/// <param name="Soft">The limit in force; null where there is none.</param>
/// <param name="Hard">The maximum of <paramref name="Soft"/>.</param>
/// <param name="SoftAtStart">The limit before <see cref="Raise"/>.</param>
internal sealed partial record DescriptorLimit(long? Soft, long? Hard, long? SoftAtStart)
{
    /// <summary>Descriptors reserved for the runtime: it aborts if it cannot open its own files.</summary>
    private const int RuntimeReserve = 10;

    private const int LinuxNumber = 7;
    private const int MacNumber = 8;

    private static long _firstReserved = long.MaxValue;

    /// <summary>Raises the soft limit to the hard one. The runtime does so as well, but does not guarantee it.</summary>
    public static DescriptorLimit Raise()
    {
        if (OperatingSystem.IsWindows() || NativeLimits.Get(Number, out var limits) != 0)
        {
            return new DescriptorLimit(null, null, null);
        }

        var before = limits.Soft;
        if (limits.Soft < limits.Hard)
        {
            // The system may enforce a lower maximum; the soft limit then stays as it is.
            _ = NativeLimits.Set(Number, limits with { Soft = limits.Hard });
            _ = NativeLimits.Get(Number, out limits);
        }

        Volatile.Write(ref _firstReserved, ToLong(limits.Soft) - RuntimeReserve);
        return new DescriptorLimit(ToLong(limits.Soft), ToLong(limits.Hard), ToLong(before));
    }

    /// <summary>Whether a descriptor is reserved for the runtime, so that a connection which got it must be closed. The system assigns the lowest
    /// free number.</summary>
    public static bool IsReserved(long descriptor) => descriptor >= Volatile.Read(ref _firstReserved);

    private static int Number => OperatingSystem.IsMacOS() ? MacNumber : LinuxNumber;

    // "Unlimited" is the maximum value.
    private static long ToLong(nuint limit) => limit > long.MaxValue ? long.MaxValue : (long)limit;

    private static partial class NativeLimits
    {
        [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
        public static partial int Get(int resource, out Pair limits);

        [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
        public static partial int Set(int resource, in Pair limits);

        [StructLayout(LayoutKind.Sequential)]
        internal record struct Pair(nuint Soft, nuint Hard);
    }
}

/// <summary>
/// How many client connections the descriptor limit allows. Each needs two descriptors, its own and one for a backend. Those already in use, and a
/// reserve for probes, lookups, pages and the runtime, are deducted.
/// </summary>
/// <param name="Connections">At least 1.</param>
/// <param name="FirstReserved">The first descriptor number that is not for clients. The system assigns the lowest free number, so the number
/// of a new descriptor shows how many are in use.</param>
internal readonly record struct ConnectionBudget(int Connections, long FirstReserved)
{
    private const int MinReserve = 12;
    private const int MaxReserve = 64;

    /// <summary>The reserve is a quarter of the free descriptors, within the two bounds.</summary>
    private const int ReserveDivisor = 4;

    private const int MaxConnections = 10_000_000;

    /// <param name="limit">The descriptor limit.</param>
    /// <param name="inUse">Descriptors that the process uses itself.</param>
    public static ConnectionBudget Of(long limit, int inUse)
    {
        var free = Math.Max(0, limit - inUse);
        var reserve = Math.Clamp(free / ReserveDivisor, MinReserve, MaxReserve);
        return new ConnectionBudget((int)Math.Clamp((free - reserve) / 2, 1, MaxConnections), limit - reserve);
    }

    /// <summary>The open descriptors other than sockets; 0 where that cannot be determined.</summary>
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
