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
