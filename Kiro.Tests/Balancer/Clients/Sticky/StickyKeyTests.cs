using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Primitives;

namespace Kiro.Tests.Balancer.Clients.Sticky;

public sealed class StickyKeyTests
{
    private readonly ClientHash _hash = new(new HashingOptions(HashingOptions.DefaultSeed, 32, 64));

    /// <summary>Never change it: clients keep their node across versions.</summary>
    [Theory]
    [InlineData("a", 356106)]
    [InlineData("alice", 648239)]
    [InlineData("0123456789abcdef0123456789abcdef", 400709)]
    public void Slot_Key_IsTheSameInEveryVersion(string value, int slot) => Assert.Equal(slot, _hash.Slot(StickyKey.Of(value.AsSpan())));

    [Fact]
    public void Of_TextAndBytes_AreTheSame()
    {
        foreach (var length in (int[])[1, 255, 256, 257, 5000])
        {
            var text = new string('\u00E4', length);
            Assert.Equal(StickyKey.Of(System.Text.Encoding.Latin1.GetBytes(text)), StickyKey.Of(text.AsSpan()));
        }
    }

    [Theory]
    [InlineData("bob", "bob")]
    [InlineData(" bob\t", "bob")]
    [InlineData("bob|alice", "bob, alice")]
    [InlineData("|bob| ", "bob")]
    public void OfField_Lines_AreOneList(string lines, string value) =>
        Assert.Equal(StickyKey.Of(value.AsSpan()), StickyKey.OfField(lines.Split('|')));

    [Fact]
    public void OfField_Empty_IsNull()
    {
        Assert.Null(StickyKey.OfField(StringValues.Empty));
        Assert.Null(StickyKey.OfField(""));
        Assert.Null(StickyKey.OfField(new(["", " "])));
    }

    [Fact]
    public void Slot_ManyKeys_SpreadsThemOverTheNodes()
    {
        var counts = new int[5];
        for (var client = 0; client < 100_000; client++)
        {
            counts[(int)((long)_hash.Slot(StickyKey.Of($"user-{client}".AsSpan())) * counts.Length / ClientHash.SlotCount)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 19_400, 20_600));
    }
}
