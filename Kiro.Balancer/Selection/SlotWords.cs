using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kiro.Balancer.Selection;

/// <summary>
/// One 64-bit word per slot, 8 MiB. Clients arrive in random order, so nearly every request reads a different page: on Linux the
/// array is in four huge pages instead of 2,048 small ones, which would not fit the TLB.
/// </summary>
internal readonly unsafe partial struct SlotWords
{
    /// <summary>On x86-64, and on ARM64 with 4 KiB pages.</summary>
    private const int HugePage = 2 * 1024 * 1024;

    private const int Length = ClientHash.SlotCount * sizeof(ulong);

    private readonly ulong[] _words;
    private readonly int _first;

    public SlotWords()
    {
        // One extra page for alignment; what is not written takes no memory.
        _words = GC.AllocateArray<ulong>((Length + HugePage) / sizeof(ulong), pinned: true);
        var start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));
        var aligned = (start + HugePage - 1) & ~(nuint)(HugePage - 1);
        _first = (int)(aligned - start) / sizeof(ulong);
        if (OperatingSystem.IsLinux())
        {
            // Best effort: without huge pages the kernel uses small ones.
            _ = Native.Advise(aligned, Length, Native.HugePages);
        }

        // Fault the pages in now rather than during a request.
        for (var slot = 0; slot < ClientHash.SlotCount; slot += HugePage / sizeof(ulong))
        {
            Volatile.Write(ref this[slot], 0);
        }
    }

    public ref ulong this[int slot] => ref _words[_first + slot];

    private static partial class Native
    {
        /// <summary>MADV_HUGEPAGE of madvise(2).</summary>
        public const int HugePages = 14;

        [LibraryImport("libc", EntryPoint = "madvise")]
        public static partial int Advise(nuint start, nuint length, int advice);
    }
}
