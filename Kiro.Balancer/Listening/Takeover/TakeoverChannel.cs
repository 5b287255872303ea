using System.Buffers.Binary;
using System.Net.Sockets;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>What two processes say to each other when one takes over from the other: messages, each its length and then so many
/// bytes, and descriptors with some of them.</summary>
internal sealed class TakeoverChannel(Socket socket) : IDisposable
{
    /// <summary>In bytes.</summary>
    private const int MaxMessage = BalancerState.MaxBytes;

    public async Task SendAsync(ReadOnlyMemory<byte> message, int[] descriptors, CancellationToken cancellationToken)
    {
        if (descriptors.Length > 0)
        {
            SendLength(message.Length, descriptors);
        }
        else
        {
            // There may be no room for it just now.
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, message.Length);
            await SendAllAsync(length, cancellationToken);
        }

        await SendAllAsync(message, cancellationToken);
    }

    /// <param name="descriptors">Gets those that come with it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null at the end of the connection.</returns>
    /// <exception cref="SocketException">The connection is lost.</exception>
    public async Task<byte[]?> ReceiveAsync(List<int> descriptors, CancellationToken cancellationToken)
    {
        // Waits until there is something, and takes nothing.
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
        var length = ReceiveLength(descriptors);
        if (length is < 0 or > MaxMessage)
        {
            return null;
        }

        var message = new byte[length];
        for (var received = 0; received < length;)
        {
            var more = await socket.ReceiveAsync(message.AsMemory(received), SocketFlags.None, cancellationToken);
            if (more == 0)
            {
                return null;
            }

            received += more;
        }

        return message;
    }

    public void Dispose() => socket.Dispose();

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
        }
    }

    private void SendLength(int length, int[] descriptors)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        DescriptorMessage.Send(socket, bytes, descriptors);
    }

    private int ReceiveLength(List<int> descriptors)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        return DescriptorMessage.Receive(socket, bytes, descriptors) == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : -1;
    }
}

/// <summary>What a process hands to the one that takes over from it, beside its sockets.</summary>
internal interface IHandedOver
{
    /// <summary>All of it, or what is new.</summary>
    /// <param name="since">Only what came so long ago at most; null for everything.</param>
    /// <returns>Parts, each small enough for a message and none of them empty.</returns>
    IEnumerable<byte[]> Parts(TimeSpan? since);

    /// <summary>Takes a part that the older process handed over.</summary>
    /// <exception cref="FormatException">It cannot be understood.</exception>
    void Take(byte[] part);
}
