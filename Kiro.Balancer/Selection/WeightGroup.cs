namespace Kiro.Balancer.Selection;

/// <summary>
/// Nodes of one weight. Among them the highest hash is also the highest score, so the logarithm is taken once for a
/// group and not once for a node.
/// </summary>
internal sealed class WeightGroup(double weight, ulong[] seeds, int[] places)
{
    public double Weight => weight;

    /// <summary>The highest hash among the eligible nodes, and its node's place, or -1 when none is eligible.</summary>
    public ulong Highest(ulong slotKey, ReadOnlySpan<bool> eligible, out int place)
    {
        ulong highest = 0;
        var index = -1;
        for (var i = 0; i < seeds.Length; i++)
        {
            if (!eligible.IsEmpty && !eligible[places[i]])
            {
                continue;
            }

            var hash = Rendezvous.Mix(slotKey ^ seeds[i]);
            if (hash > highest || index < 0)
            {
                (highest, index) = (hash, i);
            }
        }

        place = index < 0 ? -1 : places[index];
        return highest;
    }

    /// <summary>Every node's hash, in the order of the ids.</summary>
    public IEnumerable<(int Place, ulong Hash)> Hashes(ulong slotKey)
    {
        for (var i = 0; i < seeds.Length; i++)
        {
            yield return (places[i], Rendezvous.Mix(slotKey ^ seeds[i]));
        }
    }
}
