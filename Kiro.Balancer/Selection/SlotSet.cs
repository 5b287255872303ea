using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>Some of the slots, a bit for each: 128 KiB. For several threads at once.</summary>
internal sealed class SlotSet
{
    private const int WordBits = 6;

    private readonly ulong[] _words = new ulong[ClientHash.SlotCount >> WordBits];

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var word in _words)
            {
                count += BitOperations.PopCount(word);
            }

            return count;
        }
    }

    public void Add(int slot) => Interlocked.Or(ref _words[slot >> WordBits], 1UL << (slot & 63));

    /// <summary>Takes slots out, in ascending order, as long as somebody goes on asking.</summary>
    public IEnumerable<int> Take()
    {
        for (var word = 0; word < _words.Length; word++)
        {
            while (Volatile.Read(ref _words[word]) is not 0 and var bits)
            {
                var bit = bits & (~bits + 1);
                Interlocked.And(ref _words[word], ~bit);
                yield return (word << WordBits) + BitOperations.TrailingZeroCount(bit);
            }
        }
    }

    /// <summary>Moves all of them into other sets.</summary>
    public void MoveTo(IReadOnlyCollection<SlotSet> others)
    {
        for (var word = 0; word < _words.Length; word++)
        {
            if (Volatile.Read(ref _words[word]) != 0 && Interlocked.Exchange(ref _words[word], 0) is not 0 and var bits)
            {
                foreach (var other in others)
                {
                    Interlocked.Or(ref other._words[word], bits);
                }
            }
        }
    }
}
