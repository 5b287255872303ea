using System.Globalization;
using System.Net;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin;

/// <summary>Determines which backend serves a client and why, with the code that routes requests.</summary>
/// <param name="clients">Resolves the caller.</param>
/// <param name="hash">Maps clients to slots.</param>
/// <param name="sessions">The clients' sessions; null without session affinity.</param>
internal sealed class CallerRoute(ClientResolver clients, ClientHash hash, SessionTable? sessions = null)
{
    /// <summary>How much of the ranking is shown.</summary>
    private const int MaxRanks = 8;

    /// <summary>How much of a cookie or field is shown: it may be a secret, and scripts cannot read the cookie.</summary>
    private const int ShownCharacters = 4;

    private readonly StickyOptions _sticky = clients.Sticky;

    public ClientAddress AddressOf(HttpContext context) => ClientOf(context).Address;

    public IPAddress IpOf(HttpContext context) => AddressOf(context).ToIPAddress();

    /// <summary>The part of the caller's address that limits apply to, regardless of <c>STICKY_BY</c>.</summary>
    public ClientAddress KeyOf(HttpContext context) => hash.Key(AddressOf(context));

    /// <summary>The caller's slot; null if it has no cookie yet.</summary>
    public int? SlotOf(HttpContext context) => ClientOf(context) is var client && IsKnown(client) ? hash.Slot(client) : null;

    public ClientStatus Of(HttpContext context, BackendSnapshot snapshot)
    {
        var client = ClientOf(context);
        var status = Status(snapshot, IsKnown(client) ? hash.Slot(client) : null, IsKnown(client) ? DisplayKey(client, context.Request.Headers) : null);
        return status with
        {
            Ip = client.Address.ToString(),
            Peer = client.Peer.ToString(),
            PeerIsTrusted = client.PeerIsTrusted,
            ClaimIgnored = !client.PeerIsTrusted && context.Request.Headers.ContainsKey(clients.Header.Name),
        };
    }

    /// <summary>The route of any client.</summary>
    /// <param name="address">Its address, or the hashed part of it, such as <c>2001:db8:1:2::/64</c>.</param>
    /// <param name="key">The bytes of its cookie or sticky field, as Latin-1. Exactly one of the two is given.</param>
    /// <param name="snapshot">The current backends.</param>
    /// <returns>The route, or null and the reason in one line.</returns>
    public (ClientStatus? Route, string? Problem) Of(string? address, string? key, BackendSnapshot snapshot)
    {
        if (address is not null && key is not null)
        {
            return (null, "give either client or key, not both");
        }

        if (key is not null)
        {
            return OfKey(key, snapshot);
        }

        if (_sticky.Cookie is { } cookie)
        {
            return (null, $"an address alone does not determine the node while STICKY_BY is cookie; give key, the value of the cookie {cookie.Name}");
        }

        if (!ClientAddress.TryParse(address!.Split('/')[0].Trim(), out var client))
        {
            return (null, "client must be an IP address, such as 203.0.113.7 or 2001:db8::7");
        }

        return (Status(snapshot, hash.Slot(client), DisplayKey(client)) with { Ip = client.ToString(), Peer = client.ToString() }, null);
    }

    private (ClientStatus?, string?) OfKey(string key, BackendSnapshot snapshot)
    {
        var text = key.Trim(' ', '\t');
        if (_sticky.IsByAddress)
        {
            return (null, "there are no keys while STICKY_BY is ip; give client, an IP address");
        }

        if (text.Length == 0 || (_sticky.Cookie is not null && text.Length > StickyCookie.MaxValue))
        {
            return (null, _sticky.Cookie is { } cookie
                ? $"key must be the value of the cookie {cookie.Name}, 1 to {StickyCookie.MaxValue} bytes"
                : $"key must be a value of {_sticky.Field}, not empty");
        }

        return (Status(snapshot, hash.Slot(StickyKey.Of(text.AsSpan())), DisplayKey(text)), null);
    }

    private ClientStatus Status(BackendSnapshot snapshot, int? slot, string? key)
    {
        var backend = slot is { } known ? snapshot.Choose(known, sessions) : null;
        return new ClientStatus
        {
            Backend = backend?.Id,
            Node = backend?.Health.Node,
            StickyBy = _sticky.Setting,
            Key = key,
            Slot = slot,
            KeptBySession = slot is { } own && backend is not null && backend != snapshot.Choose(own),
            Ranking = slot is not { } ranked ? [] :
            [
                .. snapshot.Selector.Ranking.Ranking(ranked).Take(MaxRanks).Select(index => snapshot.Backends[index])
                    .Select(node => new RankStatus(node.Id, node.Health.Node, node.State.Name())),
            ],
        };
    }

    private bool IsKnown(in Client client) => _sticky.Cookie is null || client.Key is not null;

    private string DisplayKey(in Client client, IHeaderDictionary headers) => client.Key is null ? DisplayKey(client.Address)
        : _sticky.Cookie is { } cookie ? DisplayKey(cookie.ValueIn(headers.Cookie) ?? "")
        : DisplayKey(headers[_sticky.Field!].FirstOrDefault(line => !string.IsNullOrEmpty(line)) ?? "");

    private string DisplayKey(ClientAddress address) =>
        string.Create(CultureInfo.InvariantCulture, $"{hash.Key(address)}/{hash.PrefixOf(address)}");

    private string DisplayKey(string value) =>
        $"{_sticky.Cookie?.Name ?? _sticky.Field}={(value.Length > ShownCharacters ? $"{value[..ShownCharacters]}…" : "…")}";

    private Client ClientOf(HttpContext context) =>
        clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _);
}
