using System.Globalization;
using System.Net;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin;

/// <summary>Who is asking, and which node serves them, and why: found by the code that routes.</summary>
/// <param name="clients">Who calls.</param>
/// <param name="hash">Which slot.</param>
/// <param name="sessions">Who has sessions where; null when sessions do not stay.</param>
internal sealed class CallerRoute(ClientResolver clients, ClientHash hash, SessionMemory? sessions = null)
{
    /// <summary>As many places of the ranking as anybody reads.</summary>
    private const int MaxRanks = 8;

    public ClientAddress AddressOf(HttpContext context) => ClientOf(context).Address;

    public IPAddress IpOf(HttpContext context) => AddressOf(context).ToIPAddress();

    /// <summary>The part of the caller's address that is hashed: what counts as one client.</summary>
    public ClientAddress KeyOf(HttpContext context) => hash.Key(AddressOf(context));

    public ClientStatus Of(HttpContext context, BackendSnapshot snapshot)
    {
        var client = ClientOf(context);
        return Of(client, !client.PeerIsTrusted && context.Request.Headers.ContainsKey(clients.Header.Name), snapshot);
    }

    /// <summary>The route of any client.</summary>
    /// <param name="address">Its address, as text, or the part of it that is hashed, such as <c>2001:db8:1:2::/64</c>.</param>
    /// <param name="snapshot">The nodes as they are.</param>
    /// <returns>Null when it is no address.</returns>
    public ClientStatus? Of(string address, BackendSnapshot snapshot) =>
        ClientAddress.TryParse(address.Split('/')[0].Trim(), out var client) ? Of(new Client(client, client, PeerIsTrusted: false), claimIsIgnored: false, snapshot) : null;

    private ClientStatus Of(Client client, bool claimIsIgnored, BackendSnapshot snapshot)
    {
        var slot = hash.Slot(client.Address);
        var backend = snapshot.Choose(slot, sessions);
        return new ClientStatus
        {
            Ip = client.Address.ToString(),
            Backend = backend?.Id,
            Node = backend?.Health.Node,
            Peer = client.Peer.ToString(),
            PeerIsTrusted = client.PeerIsTrusted,
            ClaimIgnored = claimIsIgnored,
            Key = string.Create(CultureInfo.InvariantCulture, $"{hash.Key(client.Address)}/{hash.PrefixOf(client.Address)}"),
            Slot = slot,
            KeptBySession = backend is not null && backend != snapshot.Choose(slot),
            Ranking =
            [
                .. snapshot.Selector.Ranking.Ranking(slot).Take(MaxRanks).Select(place => snapshot.Backends[place])
                    .Select(node => new RankStatus(node.Id, node.Health.Node, node.State.Word())),
            ],
        };
    }

    private Client ClientOf(HttpContext context) =>
        clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _);
}
