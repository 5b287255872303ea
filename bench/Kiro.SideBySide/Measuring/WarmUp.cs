namespace Kiro.SideBySide.Measuring;

/// <summary>
/// Detects when JIT compilation is complete: when for a while the compiler has hardly worked and requests have not become
/// cheaper. The cost alone is not sufficient: it is constant before compilation begins, and rises during it. A fixed time
/// would be too short on a busy machine, where the compiler has to wait for CPU time.
/// </summary>
internal sealed class WarmUp
{
    // A smaller improvement is noise, since disturbances only make requests more expensive.
    private const double Cheaper = 0.98;

    // In all recent slices together: .NET always finds some method to recompile.
    private static readonly TimeSpan HardlyWorked = TimeSpan.FromSeconds(0.15);

    private readonly List<(double Cost, TimeSpan Compiling)> _slices = [];

    /// <summary>The measured duration of one slice, which takes slightly longer.</summary>
    public static TimeSpan Slice { get; } = TimeSpan.FromSeconds(0.8);

    /// <summary>The number of recent slices that are compared with all previous ones.</summary>
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

    /// <param name="cost">CPU time per request of one slice.</param>
    /// <param name="compiling">CPU time of the compiler meanwhile; zero if unknown.</param>
    public void Add(double cost, TimeSpan compiling) => _slices.Add((cost, compiling));
}
