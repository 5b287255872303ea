using System.Buffers.Binary;
using Kiro.Balancer.Forwarding.Streams;

namespace Kiro.Tests.Balancer.Forwarding.Streams;

public sealed class FrameBoundaryTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(125, true)]
    [InlineData(126, false)]
    [InlineData(65535, true)]
    [InlineData(65536, false)]
    public void Advance_OneFrameCutAtEveryKindOfPlace_IsAtABoundaryOnlyAtItsEnds(int payload, bool masked)
    {
        var frame = Frame(payload, masked);
        foreach (var cut in new[] { 1, 2, 3, 5, 9, 13, frame.Length - 1 }.Where(cut => cut < frame.Length))
        {
            var boundary = new FrameBoundary();
            Assert.True(boundary.IsAtBoundary);
            Assert.Equal(0, boundary.Advance(frame.AsSpan(0, cut)));
            Assert.False(boundary.IsAtBoundary);
            Assert.Equal(frame.Length - cut, boundary.Advance(frame.AsSpan(cut)));
            Assert.True(boundary.IsAtBoundary);
        }
    }

    [Fact]
    public void Advance_SeveralFramesAndAPart_TellsTheLastBoundary()
    {
        byte[] bytes = [.. Frame(10, false), .. Frame(300, false), .. Frame(40, false)[..7]];
        var boundary = new FrameBoundary();

        Assert.Equal(12 + 304, boundary.Advance(bytes));
        Assert.False(boundary.IsAtBoundary);
        Assert.Equal(-1, boundary.Advance(new byte[5]));
    }

    private static byte[] Frame(int payload, bool masked)
    {
        byte[] length = payload < 126 ? [(byte)payload] : payload <= ushort.MaxValue ? [126, 0, 0] : [127, 0, 0, 0, 0, 0, 0, 0, 0];
        if (length.Length == 3)
        {
            BinaryPrimitives.WriteUInt16BigEndian(length.AsSpan(1), (ushort)payload);
        }
        else if (length.Length == 9)
        {
            BinaryPrimitives.WriteUInt64BigEndian(length.AsSpan(1), (ulong)payload);
        }

        length[0] |= (byte)(masked ? 0x80 : 0);
        return [0x82, .. length, .. new byte[masked ? 4 : 0], .. new byte[payload]];
    }
}
