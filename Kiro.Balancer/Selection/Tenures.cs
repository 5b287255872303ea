namespace Kiro.Balancer.Selection;

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
