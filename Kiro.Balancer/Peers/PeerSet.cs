using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Peers;

/// <summary>
/// The peers. The balancer asks them before it serves, and waits for those that do not respond for a few seconds at most;
/// then each is asked on its own, so that none waits for another. Other settings are other peers, or another token, at once.
/// </summary>
internal sealed class PeerSet(
    Reloadable<PeerOptions> options, PeerLookup lookup, PeerExchange exchange, OrderBook book, OperatorOrders orders, TimeProvider time,
    ILogger<PeerSet> logger, SessionExchange? sessions = null) : BackgroundService
{
    /// <summary>How long peers can delay the start, the lookup of their names included.</summary>
    public static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(3);

    /// <summary>Between two lookups of names, and between two sweeps of the book.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly List<(Peer Peer, CancellationTokenSource Stop, Task Run)> _running = [];
    private readonly Dictionary<Peer, PeerClient> _clients = [];
    private readonly WakeSignal _otherSettings = new();
    private volatile Peer[] _peers = [];

    /// <summary>All of them, sorted by address, each once however many addresses it has; this balancer itself is not among them.</summary>
    public IEnumerable<Peer> All => _peers.Where(peer => peer.State.Knowledge?.IsSelf != true)
        .DistinctBy(peer => peer.State is { IsReachable: true, Knowledge.Response.From: { } id } ? id : peer.Address.ToString());

    /// <summary>What each of them is to be told of sessions, at every address.</summary>
    public IReadOnlyCollection<SessionLink> Links => [.. _peers.Select(peer => peer.Sessions).OfType<SessionLink>()];

    /// <summary>Peers that are left out because there are too many.</summary>
    public int LeftOut => lookup.LeftOut;

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        options.OnChange(_ => _otherSettings.Set());
        if (options.Value.Peers.Count > 0)
        {
            using var limit = new CancellationTokenSource(MaxStart, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                var first = (await lookup.FindAsync(either.Token)).Select(Make).ToArray();
                _peers = first;
                await Task.WhenAll(first.Select(peer => peer.ExchangeAsync(either.Token)));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                logger.PeersLate(MaxStart.TotalSeconds);
            }
        }

        orders.Given += Tell;
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var peer in _peers)
        {
            Run(peer, stoppingToken);
        }

        try
        {
            while (true)
            {
                var isOther = await _otherSettings.WaitAsync(Interval, time, stoppingToken);
                book.Sweep();
                if (isOther || lookup.CanChange)
                {
                    await SetAsync(await lookup.FindAsync(stoppingToken), stoppingToken);
                }

                if (isOther)
                {
                    // With the token of now.
                    Tell();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            orders.Given -= Tell;
            await SetAsync([], CancellationToken.None);
        }
    }

    private void Tell()
    {
        foreach (var peer in _peers)
        {
            peer.TellNow.Set();
        }
    }

    private async Task SetAsync(IReadOnlyList<PeerAddress> found, CancellationToken stoppingToken)
    {
        var gone = _running.Where(running => !found.Contains(running.Peer.Address)).ToList();
        foreach (var address in found.Except(_peers.Select(peer => peer.Address)).ToList())
        {
            var peer = Make(address);
            _peers = [.. _peers.Append(peer).OrderBy(one => one.Address.ToString(), StringComparer.Ordinal)];
            peer.TellNow.Set();
            Run(peer, stoppingToken);
        }

        foreach (var (peer, stop, run) in gone)
        {
            _peers = [.. _peers.Where(one => one != peer)];
            await stop.CancelAsync();
            await run;
            stop.Dispose();
            _clients.Remove(peer, out var client);
            client?.Dispose();
        }

        _running.RemoveAll(gone.Contains);
    }

    private void Run(Peer peer, CancellationToken stoppingToken)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        _running.Add((peer, stop, peer.RunAsync(stop.Token)));
    }

    private Peer Make(PeerAddress address)
    {
        var client = new PeerClient(address, options, time);
        var peer = new Peer(address, client.AskAsync, exchange, time, logger, sessions?.LinkTo(client.AskSessionsAsync));
        _clients.Add(peer, client);
        return peer;
    }
}

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
