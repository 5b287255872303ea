namespace Kiro.Balancer.Selection;

/// <summary>
/// The answers of a <see cref="Rendezvous"/> for all slots, written down: 2 MiB that turn the calculation over many
/// nodes into one read. It is filled in the background and only a shortcut: until it is ready, and for a client whose
/// first node is away, the same response is calculated.
/// </summary>
internal sealed class SlotTable
{
    /// <summary>Up to this many nodes of one weight the calculation is fast enough; several weights cost a logarithm each.</summary>
    public const int WorthwhileFrom = 24;

    private readonly ushort[] _nodes = new ushort[ClientHash.SlotCount];
    private volatile bool _isReady;
    private volatile bool _isGivenUp;

    public SlotTable(Rendezvous rendezvous) => Filling = Task.Run(() => Fill(rendezvous));

    public bool IsReady => _isReady;

    /// <summary>Ends when the table is ready or given up.</summary>
    public Task Filling { get; }

    /// <summary>Stops the filling: with many nodes it takes seconds, and with nodes that come and go one would start after another.</summary>
    public void GiveUp() => _isGivenUp = true;

    public int this[int slot] => _nodes[slot];

    private void Fill(Rendezvous rendezvous)
    {
        for (var slot = 0; slot < _nodes.Length; slot++)
        {
            if (_isGivenUp)
            {
                return;
            }

            _nodes[slot] = (ushort)rendezvous.FirstAmong(slot, []);
        }

        _isReady = true;
    }
}
