using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Peers;

/// <summary>Resolves the peers' names. If that fails, a name keeps its last addresses.</summary>
internal sealed class PeerLookup(Reloadable<PeerOptions> options, TimeProvider time, ILogger<PeerLookup> logger)
{
    /// <summary>More are ignored, with a warning.</summary>
    public const int MaxPeers = 64;

    // The system's resolver has a longer timeout, and cannot be cancelled.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<PeerName, IPAddress[]> _found = [];
    private readonly HashSet<PeerName> _failing = [];

    /// <summary>Whether there are names, whose addresses can change.</summary>
    public bool CanChange => options.Value.Peers.Any(peer => !IPAddress.TryParse(peer.Host, out _));

    /// <summary>Peers above the maximum, which are ignored.</summary>
    public int Omitted { get; private set; }

    /// <summary>The peers' addresses, without this balancer's own.</summary>
    public async Task<IReadOnlyList<PeerAddress>> FindAsync(CancellationToken cancellationToken)
    {
        var now = options.Value;
        Forget(now);
        var all = (await Task.WhenAll(now.Peers.Select(peer => FindAsync(peer, cancellationToken)))).SelectMany(found => found)
            .DistinctBy(peer => (peer.Address, peer.Name.Port)).Where(peer => !IsOwn(peer, now)).ToList();
        Omitted = Math.Max(0, all.Count - MaxPeers);
        return [.. all.OrderBy(peer => peer.ToString(), StringComparer.Ordinal).Take(MaxPeers)];
    }

    // Names that are no longer configured.
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
            var addresses = await Dns.GetHostAddressesAsync(peer.Host, cancellationToken).WaitAsync(Timeout, time, cancellationToken);
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

    // Behind NAT this does not work; the exchange then detects it by the id.
    private static bool IsOwn(PeerAddress peer, PeerOptions now) => (peer.Name.Port == now.Own.Port || peer.Name.Port == now.OwnTlsPort)
        && (now.Own.Addresses.Count > 0 && !now.Own.Addresses.Any(own => own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any))
            ? now.Own.Addresses.Contains(peer.Address)
            : IPAddress.IsLoopback(peer.Address) || NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(card => card.GetIPProperties().UnicastAddresses).Any(own => own.Address.Equals(peer.Address)));
}

/// <summary>An address of a peer.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Address">One of the name's addresses.</param>
internal sealed record PeerAddress(PeerName Name, IPAddress Address)
{
    public override string ToString()
    {
        var address = new IPEndPoint(Address, Name.Port).ToString();
        return IPAddress.TryParse(Name.Host, out _) ? address : $"{Name.Host} ({address})";
    }
}
