namespace Kiro.SideBySide.Measuring;

/// <summary>
/// Tells when a program that compiles while it runs is through with it: when for a while its compiler has hardly worked and
/// requests have become no cheaper. Their cost alone would not tell: it stands still while the program waits with compiling,
/// and rises while it compiles. A fixed time would be too short on a busy machine, where the compiler waits for its turn.
/// </summary>
internal sealed class WarmUp
{
    // Less than this is noise, for a disturbed machine only makes requests dearer.
    private const double Cheaper = 0.98;

    // In all recent slices: .NET always finds something that has just run often enough.
    private static readonly TimeSpan HardlyWorked = TimeSpan.FromSeconds(0.15);

    private readonly List<(double Cost, TimeSpan Compiling)> _slices = [];

    /// <summary>How long one slice counts; it takes a little longer.</summary>
    public static TimeSpan Slice { get; } = TimeSpan.FromSeconds(0.8);

    /// <summary>How many slices are looked at, beside all that were before: more than five seconds.</summary>
    public static int Recent => 5;

    public bool IsOver
    {
        get
        {
            if (_slices.Count <= Recent)
            {
                return false;
            }

            var (before, recent) = (_slices[..^Recent], _slices[^Recent..]);
            return recent.Sum(slice => slice.Compiling.TotalSeconds) < HardlyWorked.TotalSeconds
                && recent.Min(slice => slice.Cost) >= Cheaper * before.Min(slice => slice.Cost);
        }
    }

    /// <param name="cost">Processor time for each request of one slice.</param>
    /// <param name="compiling">Processor time that the compiler used meanwhile; zero when it cannot be told.</param>
    public void Add(double cost, TimeSpan compiling) => _slices.Add((cost, compiling));
}
