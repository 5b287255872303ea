using System.Globalization;
using System.Net;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin;

/// <summary>Who is asking, and which node serves them, and why: found by the code that routes.</summary>
internal sealed class CallerRoute(ClientResolver clients, ClientHash hash)
{
    private const string ForwardedFor = "X-Forwarded-For";

    /// <summary>As many places of the ranking as anybody reads.</summary>
    private const int MaxRanks = 8;

    public ClientAddress AddressOf(HttpContext context) => ClientOf(context).Address;

    public IPAddress IpOf(HttpContext context) => AddressOf(context).ToIPAddress();

    /// <summary>The part of the caller's address that is hashed: what counts as one client.</summary>
    public ClientAddress KeyOf(HttpContext context) => hash.Key(AddressOf(context));

    public ClientStatus Of(HttpContext context, BackendSnapshot snapshot)
    {
        var client = ClientOf(context);
        var slot = hash.Slot(client.Address);
        var backend = snapshot.Choose(slot);
        return new ClientStatus
        {
            Ip = client.Address.ToString(),
            Backend = backend?.Id,
            Node = backend?.Health.Node,
            Peer = client.Peer.ToString(),
            PeerIsTrusted = client.PeerIsTrusted,
            ClaimIgnored = !client.PeerIsTrusted && context.Request.Headers.ContainsKey(ForwardedFor),
            Key = string.Create(CultureInfo.InvariantCulture, $"{hash.Key(client.Address)}/{hash.PrefixOf(client.Address)}"),
            Slot = slot,
            Ranking =
            [
                .. snapshot.Selector.Ranking.Ranking(slot).Take(MaxRanks).Select(place => snapshot.Backends[place])
                    .Select(node => new RankStatus(node.Id, node.Health.Node, node.State.Word())),
            ],
        };
    }

    private Client ClientOf(HttpContext context) =>
        clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers[ForwardedFor]);
}
