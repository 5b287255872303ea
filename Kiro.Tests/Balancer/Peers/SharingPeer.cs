using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>The parts of a balancer that deal with sessions, with their own clock.</summary>
internal sealed class SharingPeer : IDisposable
{
    private readonly RecentSlots _recent = new();
    private readonly BackendChooser _chooser;
    private readonly Dictionary<SharingPeer, SessionLink> _links = [];

    /// <param name="ahead">How far its clock is ahead of the others.</param>
    /// <param name="idle">SESSION_IDLE.</param>
    /// <param name="seed">HASH_SEED.</param>
    public SharingPeer(TimeSpan ahead = default, TimeSpan? idle = null, ulong seed = HashingOptions.DefaultSeed)
    {
        Time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeSeconds(1_800_000_000) + ahead);
        var options = new SelectionOptions(0, TimeSpan.Zero, idle ?? SessionModel.Idle);
        Registry = Registries.Empty(Time, options: options);
        Memory = new SessionTable(options.SessionIdle, Time);
        _chooser = new BackendChooser(Registry, _recent, Memory);
        Exchange = new SessionExchange(Memory, Registry, new OrderBook(Time), new HashingOptions(seed, 32, 64), Counters);
    }

    public FakeTimeProvider Time { get; }

    public BackendRegistry Registry { get; }

    public SessionTable Memory { get; }

    public SessionCounters Counters { get; } = new();

    public SessionExchange Exchange { get; }

    /// <summary>Whether its peers reach it.</summary>
    public bool IsReachable { get; set; } = true;

    /// <summary>Makes it and others peers of each other.</summary>
    public static void Connect(params SharingPeer[] peers)
    {
        foreach (var (one, other) in peers.SelectMany(one => peers.Where(other => other != one).Select(other => (one, other))))
        {
            one._links.TryAdd(other, one.Exchange.LinkTo((message, _) =>
                other.IsReachable ? Task.FromResult(other.Exchange.Respond(message)) : throw new PeerException("does not respond")));
        }
    }

    /// <summary>The id of the node that serves a request.</summary>
    public string? Serve(int slot) => _chooser.First(slot)?.Backend.Id;

    /// <summary>The initial synchronization with a peer.</summary>
    public Task SyncAllAsync(SharingPeer other) => _links[other].SyncAllAsync("its id", CancellationToken.None);

    /// <summary>What it sends every second, and in an eighth of the idle timeout.</summary>
    /// <param name="isWithUses">Claims are sent every second, uses in turn.</param>
    /// <param name="slots">The slots to check.</param>
    public void Tell(bool isWithUses = true, IEnumerable<int>? slots = null)
    {
        SlotSet[] untold = [.. _links.Values.Select(link => link.Pending)];
        Memory.Collect(0, 0, untold);
        foreach (var slot in isWithUses ? slots ?? SessionModel.Clients : [])
        {
            Memory.Collect(slot, slot + 1, untold);
        }

        foreach (var link in _links.Values)
        {
            try
            {
                link.PushAsync(CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (PeerException)
            {
                // The next time.
            }
        }
    }

    public void Dispose()
    {
        _recent.Dispose();
        Registry.Current.Selector.Ranking.Retire();
    }
}
