namespace Kiro.Balancer.Clients;

/// <summary>Who is calling.</summary>
/// <param name="Address">The client's own address: what is hashed and what the node is told.</param>
/// <param name="Peer">The other end of the connection: the client, or the proxy before us.</param>
/// <param name="PeerIsTrusted">Whether the peer's X-Forwarded headers count.</param>
internal readonly record struct Client(ClientAddress Address, ClientAddress Peer, bool PeerIsTrusted);
