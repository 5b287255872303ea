namespace Kiro.Balancer.Clients;

/// <summary>Who is calling.</summary>
/// <param name="Address">The client's own address: what the node is told, and what is hashed unless there is a key.</param>
/// <param name="Peer">The other end of the connection: the client, or the proxy before us.</param>
/// <param name="PeerIsTrusted">Whether the peer's X-Forwarded headers count.</param>
internal readonly record struct Client(ClientAddress Address, ClientAddress Peer, bool PeerIsTrusted)
{
    /// <summary>What is hashed in place of the address; null when the address is.</summary>
    public StickyKey? Key { get; init; }

    /// <summary>Whether the key was made for this request: the client learns it with the response.</summary>
    public bool IsNew { get; init; }

    /// <summary>What nodes may call it by: the same as long as it counts as the same client, and nobody else's. Who has no key
    /// yet is called <c>new</c>, or whoever never keeps one would be another one with each request. Null without a key.</summary>
    public string? Pseudonym => IsNew ? "new" : Key?.ToString();

    /// <summary>Whether it is, as far as can be told, the same client.</summary>
    public bool IsSameAs(in Client other) => Key is null && other.Key is null ? Address == other.Address : Key == other.Key;
}
