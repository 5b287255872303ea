using System.Text;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>
/// The wire format of sessions between balancers: the ids of backends, and for each slot its number, backend, age of the last use and
/// date of the claim. About 7 bytes per slot, and nothing about single clients.
/// </summary>
/// <param name="from">The sender's id.</param>
/// <param name="mapping">The sender's <see cref="ClusterView.MappingOf"/>: slots are comparable only if it is equal.</param>
internal sealed class SessionMessage(string from, string mapping)
{
    /// <summary>Per message; the rest follows with the next one.</summary>
    public const int MaxSlots = 32_768;

    /// <summary>Of a message, in bytes.</summary>
    public const int MaxLength = 512 * 1024;

    private const byte Version = 1;

    // Slot 3, node 3, age 3, date 5; the rest is for the header and the ids.
    private const int MaxSlotLength = 14;
    private const int MaxNames = MaxLength - (MaxSlots * MaxSlotLength) - 256;

    private readonly List<string> _nodes = [];
    private readonly List<(HeldSlot Slot, int Node)> _slots = [];
    private readonly Dictionary<string, int> _indexes = [];
    private int _names;

    public string From => from;

    public string Mapping => mapping;

    /// <summary>In a request: asks for all slots from this one on. In a response: where to continue. Null to ask for none, or if
    /// complete.</summary>
    public int? Cursor { get; set; }

    /// <summary>The ids of the backends.</summary>
    public IReadOnlyList<string> Nodes => _nodes;

    /// <summary>The slots, each with an index into <see cref="Nodes"/>. Holders are not sent: tenures are local to a balancer.</summary>
    public IReadOnlyList<(HeldSlot Slot, int Node)> Slots => _slots;

    /// <returns>False if the message is full.</returns>
    public bool TryAdd(in HeldSlot slot, string node)
    {
        if (_slots.Count == MaxSlots)
        {
            return false;
        }

        if (!_indexes.TryGetValue(node, out var index))
        {
            var length = Encoding.UTF8.GetByteCount(node) + 2;
            if (_names + length > MaxNames)
            {
                return false;
            }

            (_names, index) = (_names + length, _nodes.Count);
            _indexes.Add(node, index);
            _nodes.Add(node);
        }

        _slots.Add((slot, index));
        return true;
    }

    public byte[] Encoded()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Version);
        writer.Write(from);
        writer.Write(mapping);
        writer.Write7BitEncodedInt(Cursor + 1 ?? 0);
        writer.Write7BitEncodedInt(_nodes.Count);
        _nodes.ForEach(writer.Write);
        writer.Write7BitEncodedInt(_slots.Count);
        var (slot, date) = (0, 0U);
        foreach (var (held, node) in _slots)
        {
            // Delta encoding: most slots and dates are close to the previous ones.
            writer.Write7BitEncodedInt(ZigZag(held.Slot - slot));
            writer.Write7BitEncodedInt(node);
            writer.Write7BitEncodedInt(held.Age);
            writer.Write7BitEncodedInt(ZigZag((int)(held.Date - date)));
            (slot, date) = (held.Slot, held.Date);
        }

        return bytes.ToArray();
    }

    /// <exception cref="FormatException">The message is invalid, or of another version.</exception>
    public static SessionMessage Decoded(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes));
        try
        {
            if (bytes.Length > MaxLength || reader.ReadByte() != Version)
            {
                throw new FormatException();
            }

            var message = new SessionMessage(reader.ReadString(), reader.ReadString());
            message.Cursor = reader.Read7BitEncodedInt() is > 0 and <= ClientHash.SlotCount and var cursor ? cursor - 1 : null;
            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                message._nodes.Add(reader.ReadString());
            }

            var (slot, date) = (0, 0U);
            for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
            {
                slot += UnZigZag(reader.Read7BitEncodedInt());
                var (node, age) = (reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt());
                date += (uint)UnZigZag(reader.Read7BitEncodedInt());
                if (slot is < 0 or >= ClientHash.SlotCount || node < 0 || node >= message._nodes.Count || age < 0)
                {
                    throw new FormatException();
                }

                message._slots.Add((new HeldSlot(slot, Tenure.None, age, date), node));
            }

            return message;
        }
        catch (Exception broken) when (broken is IOException or ArgumentException)
        {
            throw new FormatException("", broken);
        }
    }

    private static int ZigZag(int value) => (value << 1) ^ (value >> 31);

    private static int UnZigZag(int value) => (int)((uint)value >> 1) ^ -(value & 1);
}
