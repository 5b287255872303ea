namespace Kiro.Balancer.Listening.Takeover;

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
