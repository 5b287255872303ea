using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Peers;

/// <summary>
/// The peers. The balancer synchronizes with them before it serves, and waits at most a few seconds for that; afterwards, with each one
/// independently. Changed settings take effect immediately.
/// </summary>
internal sealed class PeerSet(
    Reloadable<PeerOptions> options, PeerLookup lookup, PeerExchange exchange, OrderBook book, OperatorOrders orders, TimeProvider time,
    ILogger<PeerSet> logger, SessionExchange? sessions = null) : BackgroundService
{
    /// <summary>How long peers can delay the start, including the lookup of their names.</summary>
    public static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(3);

    /// <summary>Between lookups of names, and sweeps of the order book.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly List<(Peer Peer, CancellationTokenSource Stop, Task Run)> _running = [];
    private readonly Dictionary<Peer, PeerClient> _clients = [];
    private readonly WakeSignal _settingsChanged = new();
    private volatile Peer[] _peers = [];

    /// <summary>All peers except this balancer itself, sorted by address; one with several addresses is listed once.</summary>
    public IEnumerable<Peer> All => _peers.Where(peer => peer.State.Knowledge?.IsSelf != true)
        .DistinctBy(peer => peer.State is { IsReachable: true, Knowledge.Response.From: { } id } ? id : peer.Address.ToString());

    /// <summary>The session links to all addresses.</summary>
    public IReadOnlyCollection<SessionLink> Links => [.. _peers.Select(peer => peer.Sessions).OfType<SessionLink>()];

    /// <summary>Peers above the maximum, which are ignored.</summary>
    public int Omitted => lookup.Omitted;

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        options.OnChange(_ => _settingsChanged.Set());
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

        orders.Issued += SyncAll;
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
                var hasChanged = await _settingsChanged.WaitAsync(Interval, time, stoppingToken);
                book.Sweep();
                if (hasChanged || lookup.CanChange)
                {
                    await SetAsync(await lookup.FindAsync(stoppingToken), stoppingToken);
                }

                if (hasChanged)
                {
                    // With the new token.
                    SyncAll();
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            orders.Issued -= SyncAll;
            await SetAsync([], CancellationToken.None);
        }
    }

    private void SyncAll()
    {
        foreach (var peer in _peers)
        {
            peer.SyncNow.Set();
        }
    }

    private async Task SetAsync(IReadOnlyList<PeerAddress> found, CancellationToken stoppingToken)
    {
        var gone = _running.Where(running => !found.Contains(running.Peer.Address)).ToList();
        foreach (var address in found.Except(_peers.Select(peer => peer.Address)).ToList())
        {
            var peer = Make(address);
            _peers = [.. _peers.Append(peer).OrderBy(one => one.Address.ToString(), StringComparer.Ordinal)];
            peer.SyncNow.Set();
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
