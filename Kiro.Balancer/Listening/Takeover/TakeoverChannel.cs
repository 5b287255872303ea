using System.Buffers.Binary;
using System.Net.Sockets;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Listening.Takeover;

/// <summary>The connection between two processes during a takeover: length-prefixed messages, some with descriptors.</summary>
internal sealed class TakeoverChannel(Socket socket) : IDisposable
{
    private const int MaxMessage = BalancerState.MaxBytes;

    public async Task SendAsync(ReadOnlyMemory<byte> message, int[] descriptors, CancellationToken cancellationToken)
    {
        if (descriptors.Length > 0)
        {
            SendLength(message.Length, descriptors);
        }
        else
        {
            // Sent asynchronously: the send buffer may be full.
            var length = new byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, message.Length);
            await SendAllAsync(length, cancellationToken);
        }

        await SendAllAsync(message, cancellationToken);
    }

    /// <param name="descriptors">Receives the descriptors attached to the message.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>Null at the end of the stream.</returns>
    /// <exception cref="SocketException">The connection was lost.</exception>
    public async Task<byte[]?> ReceiveAsync(List<int> descriptors, CancellationToken cancellationToken)
    {
        // Waits until the socket is readable.
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

/// <summary>State, besides sockets, that a process hands over.</summary>
internal interface IHandoverData
{
    /// <summary>All of it, or what has changed.</summary>
    /// <param name="since">Only changes within this time; null for everything.</param>
    /// <returns>Non-empty parts, each small enough for a message.</returns>
    IEnumerable<byte[]> Parts(TimeSpan? since);

    /// <summary>Takes in a part from the older process.</summary>
    /// <exception cref="FormatException">The part is malformed or of another version.</exception>
    void Take(byte[] part);
}
