using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kiro.Balancer.Selection;

/// <summary>
/// One word for each slot, 8 MiB. Clients come in no order, so nearly every request reads another page of it: on Linux it lies in
/// four huge pages instead of 2,048 small ones, which are more than a processor keeps the addresses of.
/// </summary>
internal readonly unsafe partial struct SlotWords
{
    /// <summary>Of x86-64, and of ARM64 with small pages of 4 KiB.</summary>
    private const int HugePage = 2 * 1024 * 1024;

    private const int Length = ClientHash.SlotCount * sizeof(ulong);

    private readonly ulong[] _words;
    private readonly int _first;

    public SlotWords()
    {
        // The page that is more, so that there is a whole one to begin at, is never written and takes no memory.
        _words = GC.AllocateArray<ulong>((Length + HugePage) / sizeof(ulong), pinned: true);
        var start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_words));
        var aligned = (start + HugePage - 1) & ~(nuint)(HugePage - 1);
        _first = (int)(aligned - start) / sizeof(ulong);
        if (OperatingSystem.IsLinux())
        {
            // A system that has no huge pages, or none left, gives small ones.
            _ = Native.Advise(aligned, Length, Native.HugePages);
        }

        // They are taken now, and not while a request waits.
        for (var slot = 0; slot < ClientHash.SlotCount; slot += HugePage / sizeof(ulong))
        {
            Volatile.Write(ref this[slot], 0);
        }
    }

    /// <summary>The word of a slot, from 0 to 2^20 - 1.</summary>
    public ref ulong this[int slot] => ref _words[_first + slot];

    private static partial class Native
    {
        /// <summary>MADV_HUGEPAGE of madvise(2).</summary>
        public const int HugePages = 14;

        [LibraryImport("libc", EntryPoint = "madvise")]
        public static partial int Advise(nuint start, nuint length, int advice);
    }
}
