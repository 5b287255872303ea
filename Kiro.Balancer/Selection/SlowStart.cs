namespace Kiro.Balancer.Selection;

/// <summary>
/// Lets the clients of a node that came back home little by little: a slot of its own decides when, so that nobody moves more
/// than once.
/// </summary>
internal sealed class SlowStart
{
    private readonly double[] _homecoming;

    private SlowStart(double[] homecoming) => _homecoming = homecoming;

    /// <returns>Null when no node is on its way back.</returns>
    public static SlowStart? Of(Candidate[] candidates, TimeSpan duration)
    {
        var homecoming = Array.ConvertAll(candidates, candidate =>
            candidate.BackFor is { } backFor && duration > TimeSpan.Zero ? backFor / duration : 1);
        return homecoming.All(fraction => fraction >= 1) ? null : new SlowStart(homecoming);
    }

    /// <summary>Whether a slot's clients still stay away from the node.</summary>
    public bool HoldsBack(int slot, int place) =>
        _homecoming[place] < 1 && Rendezvous.Mix((ulong)slot) / (double)ulong.MaxValue >= _homecoming[place];
}
