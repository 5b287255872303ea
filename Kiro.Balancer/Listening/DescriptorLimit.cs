using System.Runtime.InteropServices;

namespace Kiro.Balancer.Listening;

/// <summary>How many descriptors (files, sockets) this process may have: RLIMIT_NOFILE of setrlimit(2).</summary>
/// <param name="Soft">What counts; null where there is no such limit.</param>
/// <param name="Hard">What <paramref name="Soft"/> may be raised to.</param>
/// <param name="SoftAtStart">What it was before <see cref="Raise"/>.</param>
internal sealed partial record DescriptorLimit(long? Soft, long? Hard, long? SoftAtStart)
{
    /// <summary>The last descriptors are the runtime's: without one it cannot load its own code, and aborts.</summary>
    private const int OfTheRuntime = 10;

    private const int LinuxNumber = 7;
    private const int MacNumber = 8;

    private static long _firstOfTheRuntime = long.MaxValue;

    /// <summary>Raises the soft limit to the hard one. The runtime does so too as it starts, but does not promise it.</summary>
    public static DescriptorLimit Raise()
    {
        if (OperatingSystem.IsWindows() || NativeLimits.Get(Number, out var limits) != 0)
        {
            return new DescriptorLimit(null, null, null);
        }

        var before = limits.Soft;
        if (limits.Soft < limits.Hard)
        {
            // A system may have a lower bound of its own than the hard limit says; the soft one then stays as it is.
            _ = NativeLimits.Set(Number, limits with { Soft = limits.Hard });
            _ = NativeLimits.Get(Number, out limits);
        }

        Volatile.Write(ref _firstOfTheRuntime, Told(limits.Soft) - OfTheRuntime);
        return new DescriptorLimit(Told(limits.Soft), Told(limits.Hard), Told(before));
    }

    /// <summary>Whether no connection may have this descriptor, neither a client's nor one to a node: it is to be closed at once,
    /// as if there had been none. The system always gives the lowest that is free.</summary>
    public static bool IsReserved(long descriptor) => descriptor >= Volatile.Read(ref _firstOfTheRuntime);

    private static int Number => OperatingSystem.IsMacOS() ? MacNumber : LinuxNumber;

    // "Unlimited" is the largest number that there is.
    private static long Told(nuint limit) => limit > long.MaxValue ? long.MaxValue : (long)limit;

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
