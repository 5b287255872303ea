namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>One direction of a connection to a node: one operation at a time, which is begun now and awaited later, or never.</summary>
internal interface ITransfer : IDisposable
{
    /// <summary>Whether the operation that was begun has ended.</summary>
    bool IsCompleted { get; }

    /// <summary>An operation that failed had certainly not moved a byte.</summary>
    bool NothingMoved { get; }

    /// <summary>Begins to receive into, or to send all of, these bytes.</summary>
    void Begin(Memory<byte> bytes);

    /// <summary>The end of what was begun.</summary>
    /// <returns>The number of bytes; 0 when the other end has closed; -1 when the connection is lost.</returns>
    ValueTask<int> Wait();
}
