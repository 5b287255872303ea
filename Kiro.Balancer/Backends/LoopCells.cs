namespace Kiro.Balancer.Backends;

/// <summary>Counters in one cell for each event loop, which alone writes it; readers sum the cells.</summary>
internal sealed class LoopCells<TCell>
    where TCell : class, new()
{
    private readonly Lock _adding = new();
    private volatile TCell?[] _cells = [];

    /// <summary>The cells by loop; null where a loop has none yet.</summary>
    public ReadOnlySpan<TCell?> All => _cells;

    /// <summary>The cell of an event loop, created on first use. Only that loop may write it. It takes a lock, so the loop keeps the reference.</summary>
    /// <param name="loop">The index of the loop.</param>
    public TCell Of(int loop)
    {
        lock (_adding)
        {
            var cells = _cells;
            if (loop >= cells.Length)
            {
                Array.Resize(ref cells, loop + 1);
                _cells = cells;
            }

            return cells[loop] ??= new TCell();
        }
    }
}
