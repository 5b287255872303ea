namespace Kiro.Balancer.Admin;

/// <summary>The caller's own route, worked out by the code that routes.</summary>
/// <param name="Ip">Its address: what is hashed and what the node is told.</param>
/// <param name="Backend">The id of the node that serves it; null when no node is known.</param>
/// <param name="Node">That node's name.</param>
/// <param name="Peer">The other end of the connection: the caller, or the proxy before us.</param>
/// <param name="PeerIsTrusted">Whether the peer's X-Forwarded-For counts.</param>
/// <param name="ClaimIgnored">X-Forwarded-For came, but from somebody who is not trusted.</param>
/// <param name="Key">The part of the address that is hashed, such as <c>2001:db8:1:2::/64</c>.</param>
/// <param name="Slot">From 0 to 1,048,575: clients of a slot share their ranking.</param>
/// <param name="Ranking">The caller's first nodes, whatever their state; the first one that is up serves it.</param>
internal sealed record ClientStatus(
    string Ip, string? Backend, string? Node, string Peer, bool PeerIsTrusted, bool ClaimIgnored, string Key, int Slot, IReadOnlyList<RankStatus> Ranking);
