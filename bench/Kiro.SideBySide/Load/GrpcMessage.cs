using System.Buffers.Binary;

namespace Kiro.SideBySide.Load;

/// <summary>A gRPC message in a body: the uncompressed flag, its length, and its bytes.</summary>
internal static class GrpcMessage
{
    private const int HeadLength = 5;

    public static byte[] OfBytes(int length)
    {
        var message = new byte[HeadLength + length];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), length);
        Array.Fill(message, (byte)'x', HeadLength, length);
        return message;
    }
}
