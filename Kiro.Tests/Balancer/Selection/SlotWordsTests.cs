using System.Globalization;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class SlotWordsTests
{
    private readonly SlotWords _words = new();

    [Fact]
    public void Item_EverySlot_HasItsOwnWord()
    {
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            Assert.Equal(0ul, _words[slot]);
            _words[slot] = (ulong)slot + 1;
        }

        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            Assert.Equal((ulong)slot + 1, _words[slot]);
        }
    }

    [Fact]
    public void New_HugePagesAvailable_RequestsThem()
    {
        Assert.SkipUnless(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), "There are no huge pages here.");

        Assert.Contains("hg", FlagsAt(Address(0)));
        Assert.Contains("hg", FlagsAt(Address(ClientHash.SlotCount - 1)));
        Assert.Equal(0ul, Address(0) % (2 * 1024 * 1024));
    }

    private ulong Address(int slot) => (ulong)Unsafe.ByteOffset(ref Unsafe.NullRef<ulong>(), ref _words[slot]);

    /// <summary>The kernel's flags of the mapping at an address (proc_pid_smaps(5), VmFlags).</summary>
    private static string[] FlagsAt(ulong address)
    {
        var isThere = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (isThere && words[0] == "VmFlags:")
            {
                return words;
            }

            if (!words[0].EndsWith(':'))
            {
                var range = Array.ConvertAll(words[0].Split('-'), end => ulong.Parse(end, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                isThere = range[0] <= address && address < range[1];
            }
        }

        return [];
    }
}
