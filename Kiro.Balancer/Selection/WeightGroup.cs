namespace Kiro.Balancer.Selection;

/// <summary>
/// Nodes of one weight. Among them the highest hash is also the highest score, so the logarithm is taken once for a
/// group and not once for a node.
/// </summary>
internal sealed class WeightGroup(double weight, ulong[] seeds, int[] places)
{
    public double Weight => weight;

    /// <summary>For each grade the place with the highest hash, or -1, and that hash.</summary>
    public void Lead<TGrading>(ulong slotKey, TGrading grading, Span<int> leaders, Span<ulong> hashes)
        where TGrading : struct, IGrading, allows ref struct
    {
        leaders.Fill(-1);
        for (var i = 0; i < seeds.Length; i++)
        {
            var grade = grading.Of(places[i]);
            if (grade >= leaders.Length)
            {
                continue;
            }

            var hash = Rendezvous.Mix(slotKey ^ seeds[i]);
            if (hash > hashes[grade] || leaders[grade] < 0)
            {
                (hashes[grade], leaders[grade]) = (hash, places[i]);
            }
        }
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
