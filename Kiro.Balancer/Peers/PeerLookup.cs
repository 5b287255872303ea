using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Peers;

/// <summary>Finds the addresses of the peers. A name that cannot be looked up just now keeps the addresses that it had.</summary>
internal sealed class PeerLookup(Reloadable<PeerOptions> options, TimeProvider time, ILogger<PeerLookup> logger)
{
    /// <summary>More are left out, which is a warning.</summary>
    public const int MaxPeers = 64;

    // The system's resolver may take much longer to give up, and it cannot be cancelled.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<PeerName, IPAddress[]> _found = [];
    private readonly HashSet<PeerName> _failing = [];

    /// <summary>Whether there is anything to look up again.</summary>
    public bool CanChange => options.Value.Peers.Any(peer => !IPAddress.TryParse(peer.Host, out _));

    /// <summary>Peers that were left out because there are too many.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Looks them up; this balancer itself is not among them.</summary>
    public async Task<IReadOnlyList<PeerAddress>> FindAsync(CancellationToken cancellationToken)
    {
        var now = options.Value;
        Forget(now);
        var all = (await Task.WhenAll(now.Peers.Select(peer => FindAsync(peer, cancellationToken)))).SelectMany(found => found)
            .DistinctBy(peer => (peer.Address, peer.Name.Port)).Where(peer => !IsOwn(peer, now)).ToList();
        LeftOut = Math.Max(0, all.Count - MaxPeers);
        return [.. all.OrderBy(peer => peer.ToString(), StringComparer.Ordinal).Take(MaxPeers)];
    }

    // Other settings name others.
    private void Forget(PeerOptions now)
    {
        lock (_found)
        {
            foreach (var gone in _found.Keys.Union(_failing).Except(now.Peers).ToList())
            {
                _found.Remove(gone);
                _failing.Remove(gone);
            }
        }
    }

    private async Task<IEnumerable<PeerAddress>> FindAsync(PeerName peer, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(peer.Host, out var literal))
        {
            return [new PeerAddress(peer, literal)];
        }

        try
        {
            var addresses = await Dns.GetHostAddressesAsync(peer.Host, cancellationToken).WaitAsync(Patience, time, cancellationToken);
            lock (_found)
            {
                _found[peer] = addresses.Length > 0 ? addresses : _found.GetValueOrDefault(peer, []);
                _failing.Remove(peer);
            }
        }
        catch (Exception failure) when (failure is SocketException or TimeoutException or ArgumentException)
        {
            bool isNews;
            lock (_found)
            {
                isNews = _failing.Add(peer);
            }

            if (isNews)
            {
                logger.PeerLookupFailed(peer.Host, failure.Message);
            }
        }

        lock (_found)
        {
            return _found.GetValueOrDefault(peer, []).Select(address => new PeerAddress(peer, address));
        }
    }

    // Behind a translation of addresses a balancer finds out only when it responds to itself.
    private static bool IsOwn(PeerAddress peer, PeerOptions now) => (peer.Name.Port == now.Own.Port || peer.Name.Port == now.OwnTlsPort)
        && (now.Own.Addresses.Count > 0 && !now.Own.Addresses.Any(own => own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any))
            ? now.Own.Addresses.Contains(peer.Address)
            : IPAddress.IsLoopback(peer.Address) || NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(card => card.GetIPProperties().UnicastAddresses).Any(own => own.Address.Equals(peer.Address)));
}

/// <summary>One balancer.</summary>
/// <param name="Name">As it was named.</param>
/// <param name="Address">One of the addresses behind the name.</param>
internal sealed record PeerAddress(PeerName Name, IPAddress Address)
{
    /// <summary>For people.</summary>
    public override string ToString()
    {
        var address = new IPEndPoint(Address, Name.Port).ToString();
        return IPAddress.TryParse(Name.Host, out _) ? address : $"{Name.Host} ({address})";
    }
}
