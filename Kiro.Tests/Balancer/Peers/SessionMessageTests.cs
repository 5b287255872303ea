using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Peers;

public sealed class SessionMessageTests
{
    [Fact]
    public void Decoded_EncodedMessage_RoundTrips()
    {
        var message = new SessionMessage("me", "mapping") { Cursor = ClientHash.SlotCount - 1 };
        HeldSlot[] slots =
        [
            new(0, Tenure.None, 0, 0), new(1, Tenure.None, 86_400 * 16, uint.MaxValue), new(ClientHash.SlotCount - 1, Tenure.None, 17, 1), new(5, Tenure.None, 1, 1u << 31),
        ];
        Array.ForEach(slots, slot => Assert.True(message.TryAdd(slot, slot.Slot % 2 == 0 ? "api-1:80" : "[2001:db8::1]:80")));

        var decoded = SessionMessage.Decoded(message.Encoded());

        Assert.Equal(("me", "mapping", message.Cursor), (decoded.From, decoded.Mapping, decoded.Cursor));
        Assert.Equal(slots, decoded.Slots.Select(slot => slot.Slot));
        Assert.Equal(["api-1:80", "[2001:db8::1]:80", "[2001:db8::1]:80", "[2001:db8::1]:80"], decoded.Slots.Select(slot => decoded.Nodes[slot.Node]));
        Assert.Null(SessionMessage.Decoded(new SessionMessage("me", "mapping").Encoded()).Cursor);
    }

    [Fact]
    public void TryAdd_UntilFull_StaysWithinTheLimit()
    {
        var (message, random) = (new SessionMessage(new string('f', 16), new string('m', 16)), new Random(1));
        while (message.TryAdd(new HeldSlot(random.Next(ClientHash.SlotCount), Tenure.None, 86_400 * 16, (uint)random.Next()), $"{new string('n', 200)}{random.Next(5000)}:80"))
        {
            // Until it is full with ids.
        }

        Assert.InRange(message.Encoded().Length, 1, SessionMessage.MaxLength);
        while (message.TryAdd(new HeldSlot(random.Next(ClientHash.SlotCount), Tenure.None, 86_400 * 16, (uint)random.Next()), message.Nodes[^1]))
        {
            // And with slots.
        }

        Assert.Equal(SessionMessage.MaxSlots, message.Slots.Count);
        Assert.InRange(message.Encoded().Length, 1, SessionMessage.MaxLength);
    }

    [Fact]
    public void Decoded_InvalidMessage_Throws()
    {
        var message = new SessionMessage("me", "mapping");
        message.TryAdd(new HeldSlot(7, Tenure.None, 1, 2), "api-1:80");
        var bytes = message.Encoded();
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<FormatException>(() => SessionMessage.Decoded(bytes[..length]));
        }

        var random = new Random(1);
        for (var time = 0; time < 20_000; time++)
        {
            var broken = (byte[])bytes.Clone();
            broken[random.Next(broken.Length)] = (byte)random.Next(256);
            try
            {
                Assert.All(SessionMessage.Decoded(broken).Slots, slot => Assert.InRange(slot.Slot.Slot, 0, ClientHash.SlotCount - 1));
            }
            catch (FormatException)
            {
                // As expected.
            }
        }

        Assert.Throws<FormatException>(() => SessionMessage.Decoded(new byte[SessionMessage.MaxLength + 1]));
    }
}
