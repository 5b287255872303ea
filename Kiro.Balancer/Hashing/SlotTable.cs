namespace Kiro.Balancer.Hashing;

/// <summary>
/// The answers of a <see cref="Rendezvous"/> for all slots, written down: 2 MiB that turn the calculation over many
/// nodes into one read. It is filled in the background and only a shortcut: until it is ready, and for a client whose
/// first node is away, the same answer is calculated.
/// </summary>
internal sealed class SlotTable
{
    /// <summary>Up to this many nodes the calculation is as fast as the read.</summary>
    public const int WorthwhileFrom = 24;

    private readonly ushort[] _nodes = new ushort[ClientHash.SlotCount];
    private volatile bool _isReady;

    public SlotTable(Rendezvous rendezvous) => Filling = Task.Run(() => Fill(rendezvous));

    public bool IsReady => _isReady;

    /// <summary>Ends when the table is ready.</summary>
    public Task Filling { get; }

    public int this[int slot] => _nodes[slot];

    private void Fill(Rendezvous rendezvous)
    {
        for (var slot = 0; slot < _nodes.Length; slot++)
        {
            _nodes[slot] = (ushort)rendezvous.FirstAmong(slot, []);
        }

        _isReady = true;
    }
}
