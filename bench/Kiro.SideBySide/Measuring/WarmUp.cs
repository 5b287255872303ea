namespace Kiro.SideBySide.Measuring;

/// <summary>
/// Tells when a program that compiles while it runs is through with it: when for a while requests have become no cheaper,
/// and none were much dearer either. Their cost does not simply fall: it stands still while the program waits with
/// compiling, and rises while it compiles.
/// </summary>
internal sealed class WarmUp
{
    // Of the best of several slices less than this is noise, for a disturbed machine only makes requests dearer.
    private const double Cheaper = 0.98;
    private const double Dearer = 1.4;

    private readonly List<double> _costs = [];

    /// <summary>How long one slice counts; it takes a little longer.</summary>
    public static TimeSpan Slice { get; } = TimeSpan.FromSeconds(0.8);

    /// <summary>How many slices are looked at, beside all that were before: more than five seconds.</summary>
    public static int Recent => 5;

    public bool IsOver
    {
        get
        {
            if (_costs.Count <= Recent)
            {
                return false;
            }

            var (before, recent) = (_costs[..^Recent].Min(), _costs[^Recent..]);
            return recent.Min() >= Cheaper * before && Median.Of(recent) <= Dearer * Math.Min(before, recent.Min());
        }
    }

    /// <param name="cost">Processor time for each request of one slice.</param>
    public void Add(double cost) => _costs.Add(cost);
}
