namespace Kiro.Balancer.Front.EventLoop;

/// <summary>What stands between the bytes of a connection and those of its socket: TLS. For the loop's own thread.</summary>
internal interface IConnectionCipher : IDisposable
{
    /// <summary>Deciphers what is there to receive.</summary>
    /// <param name="room">At least 16 KiB.</param>
    /// <param name="mayHaveMore">Whether more is there than had room, or could be told at once.</param>
    /// <returns>As <see cref="FrontConnection.Receive(Span{byte})"/>.</returns>
    int Receive(Span<byte> room, out bool mayHaveMore);

    /// <summary>Enciphers and sends, or keeps what the kernel does not take.</summary>
    /// <returns>False when the connection is lost.</returns>
    bool TrySend(ReadOnlySpan<byte> data);

    /// <summary>Tells the other end that nothing more comes, so that it can tell the end from a torn connection.</summary>
    void SayEnd();
}
