namespace Kiro.Balancer.Selection;

/// <summary>
/// A time during which a node keeps the sessions of its clients without a break. A node that goes down, or leaves, and comes
/// back has another tenure: what it held before is nobody's at once, and nobody has to look for it.
/// </summary>
/// <param name="Number">The node's index in the lower half, how often that index was given away in the upper one.</param>
internal readonly record struct Tenure(uint Number)
{
    private const int IndexBits = 16;

    /// <summary>How many nodes can have a tenure at the same time.</summary>
    public const int MaxIndexes = 1 << IndexBits;

    /// <summary>Keeps no sessions.</summary>
    public static Tenure None => default;

    /// <summary>Small, and no other tenure's at the same time.</summary>
    public int Index => (int)(Number & (MaxIndexes - 1));

    /// <param name="index">From 0 to <see cref="MaxIndexes"/> - 1.</param>
    /// <param name="generation">From 1: how often the index was given away. It may come round: after 65,535 tenures a slot that
    /// nobody has used since the first would stay where it is.</param>
    public static Tenure Of(int index, ushort generation) => new(((uint)generation << IndexBits) | (uint)index);
}

/// <summary>From the tenures of the nodes of one moment to their places, and back.</summary>
internal sealed class Tenures
{
    private const int None = -1;

    private readonly Tenure[] _byPlace;
    private readonly int[] _places;

    public Tenures(Candidate[] candidates)
    {
        _byPlace = Array.ConvertAll(candidates, candidate => candidate.Tenure);
        _places = new int[_byPlace.Where(tenure => tenure != Tenure.None).Select(tenure => tenure.Index + 1).DefaultIfEmpty().Max()];
        Array.Fill(_places, None);
        for (var place = 0; place < _byPlace.Length; place++)
        {
            if (_byPlace[place] != Tenure.None)
            {
                _places[_byPlace[place].Index] = place;
            }
        }
    }

    /// <summary>-1 when no node has it any more.</summary>
    public int PlaceOf(Tenure tenure) =>
        tenure.Index < _places.Length && _places[tenure.Index] is >= 0 and var place && _byPlace[place] == tenure ? place : None;

    public Tenure Of(int place) => _byPlace[place];
}
