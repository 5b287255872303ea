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

    /// <summary>As much of a cookie or a field as is shown: it may be a secret, and scripts cannot read the cookie.</summary>
    private const int ShownCharacters = 4;

    private readonly StickyOptions _sticky = clients.Sticky;

    public ClientAddress AddressOf(HttpContext context) => ClientOf(context).Address;

    public IPAddress IpOf(HttpContext context) => AddressOf(context).ToIPAddress();

    /// <summary>The part of the caller's address that counts: who is bounded as one client, whatever <c>STICKY_BY</c> says.</summary>
    public ClientAddress KeyOf(HttpContext context) => hash.Key(AddressOf(context));

    /// <summary>The caller's slot; null before its first response has brought it its cookie.</summary>
    public int? SlotOf(HttpContext context) => ClientOf(context) is var client && IsKnown(client) ? hash.Slot(client) : null;

    public ClientStatus Of(HttpContext context, BackendSnapshot snapshot)
    {
        var client = ClientOf(context);
        var status = Status(snapshot, IsKnown(client) ? hash.Slot(client) : null, IsKnown(client) ? KeyShown(client, context.Request.Headers) : null);
        return status with
        {
            Ip = client.Address.ToString(),
            Peer = client.Peer.ToString(),
            PeerIsTrusted = client.PeerIsTrusted,
            ClaimIgnored = !client.PeerIsTrusted && context.Request.Headers.ContainsKey(clients.Header.Name),
        };
    }

    /// <summary>The route of any client.</summary>
    /// <param name="address">Its address, as text, or the part of it that is hashed, such as <c>2001:db8:1:2::/64</c>.</param>
    /// <param name="key">The bytes of its cookie, or of the field that tells clients apart, as Latin-1. One of the two is given.</param>
    /// <param name="snapshot">The nodes as they are.</param>
    /// <returns>The route, or null and what is wrong in one line.</returns>
    public (ClientStatus? Route, string? Problem) Of(string? address, string? key, BackendSnapshot snapshot)
    {
        if (address is not null && key is not null)
        {
            return (null, "ask for a client or for a key, not for both");
        }

        if (key is not null)
        {
            return OfKey(key, snapshot);
        }

        if (_sticky.Cookie is { } cookie)
        {
            return (null, $"an address alone has no node while STICKY_BY is cookie; ask with key, the value of the cookie {cookie.Name}");
        }

        if (!ClientAddress.TryParse(address!.Split('/')[0].Trim(), out var client))
        {
            return (null, "client must be an IP address, such as 203.0.113.7 or 2001:db8::7");
        }

        return (Status(snapshot, hash.Slot(client), KeyShown(client)) with { Ip = client.ToString(), Peer = client.ToString() }, null);
    }

    private (ClientStatus?, string?) OfKey(string key, BackendSnapshot snapshot)
    {
        var text = key.Trim(' ', '\t');
        if (_sticky.IsByAddress)
        {
            return (null, "there are no keys while STICKY_BY is ip; ask with client, an IP address");
        }

        if (text.Length == 0 || (_sticky.Cookie is not null && text.Length > StickyCookie.MaxValue))
        {
            return (null, _sticky.Cookie is { } cookie
                ? $"key must be the value of the cookie {cookie.Name}, 1 to {StickyCookie.MaxValue} bytes"
                : $"key must be a value of {_sticky.Field}, not empty");
        }

        return (Status(snapshot, hash.Slot(StickyKey.Of(text.AsSpan())), KeyShown(text)), null);
    }

    private ClientStatus Status(BackendSnapshot snapshot, int? slot, string? key)
    {
        var backend = slot is { } known ? snapshot.Choose(known, sessions) : null;
        return new ClientStatus
        {
            Backend = backend?.Id,
            Node = backend?.Health.Node,
            StickyBy = _sticky.Word,
            Key = key,
            Slot = slot,
            KeptBySession = slot is { } own && backend is not null && backend != snapshot.Choose(own),
            Ranking = slot is not { } ranked ? [] :
            [
                .. snapshot.Selector.Ranking.Ranking(ranked).Take(MaxRanks).Select(place => snapshot.Backends[place])
                    .Select(node => new RankStatus(node.Id, node.Health.Node, node.State.Word())),
            ],
        };
    }

    private bool IsKnown(in Client client) => _sticky.Cookie is null || client.Key is not null;

    private string KeyShown(in Client client, IHeaderDictionary headers) => client.Key is null ? KeyShown(client.Address)
        : _sticky.Cookie is { } cookie ? KeyShown(cookie.ValueIn(headers.Cookie) ?? "")
        : KeyShown(headers[_sticky.Field!].FirstOrDefault(line => !string.IsNullOrEmpty(line)) ?? "");

    private string KeyShown(ClientAddress address) =>
        string.Create(CultureInfo.InvariantCulture, $"{hash.Key(address)}/{hash.PrefixOf(address)}");

    private string KeyShown(string value) =>
        $"{_sticky.Cookie?.Name ?? _sticky.Field}={(value.Length > ShownCharacters ? $"{value[..ShownCharacters]}…" : "…")}";

    private Client ClientOf(HttpContext context) =>
        clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _);
}
