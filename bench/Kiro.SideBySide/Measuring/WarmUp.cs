namespace Kiro.SideBySide.Measuring;

/// <summary>
/// Tells when a program that compiles while it runs is through with it: when the cost of a request has stopped falling.
/// A fixed time would be too short on a busy machine, where the compiler waits for its turn as well.
/// </summary>
internal sealed class WarmUp
{
    private const double Better = 0.95;
    private const int StaleSlices = 3;

    private double _best = double.MaxValue;
    private int _stale;

    /// <summary>How long one slice of it takes.</summary>
    public static TimeSpan Slice { get; } = TimeSpan.FromSeconds(0.8);

    public bool IsOver => _stale >= StaleSlices;

    /// <param name="cost">Processor time for each request of one slice.</param>
    public void Add(double cost)
    {
        _stale = cost < Better * _best ? 0 : _stale + 1;
        _best = Math.Min(_best, cost);
    }
}
