using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Peers;

public sealed class SessionExchangeTests : IDisposable
{
    private static readonly int[] Slots = SessionModel.Clients;

    private readonly SharingPeer _one = new();
    private readonly SharingPeer _other = new();

    public SessionExchangeTests() => SharingPeer.Connect(_one, _other);

    [Fact]
    public void Push_ClientsChangeBalancersAfterScaling_KeepTheirNodes()
    {
        Up(_one, 5);
        Up(_other, 5);
        var before = Serve(_one);
        _one.Tell();
        Up(_one, 10);
        Up(_other, 10);

        Assert.Equal(before, Serve(_other));
        Assert.NotEqual(before, Plain(_other));
    }

    [Fact]
    public async Task SyncAll_BeforeThePeerKnowsAnyNode_IsEffectiveImmediately()
    {
        Up(_one, 5);
        var before = Serve(_one);
        Up(_one, 10);

        await _other.SyncAllAsync(_one).WaitAsync(TestContext.Current.CancellationToken);
        _other.Registry.SetMembers(Registries.Endpoints(10));
        // While no node is up, none keeps sessions.
        Serve(_other);
        Up(_other, 10);

        Assert.Equal(before, Serve(_other));
    }

    [Fact]
    public async Task SyncAll_MoreThanFitsAMessage_SendsAll()
    {
        Up(_one, 5);
        Up(_other, 5);
        var slots = Enumerable.Range(0, (3 * SessionMessage.MaxSlots) + 7).Select(number => number * 10).ToList();
        slots.ForEach(slot => _one.Serve(slot));

        await _other.SyncAllAsync(_one).WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(slots, _other.Memory.All().Select(held => held.Slot));
        // Bytes per slot: all were claimed at the same time, and slots are adjacent.
        Assert.InRange(_other.Counters.Received / (double)slots.Count, 3, 6);
    }

    [Fact]
    public void Push_PeerWasUnreachable_GetsEverythingLater()
    {
        Up(_one, 5);
        Up(_other, 5);
        _other.IsReachable = false;
        var before = Serve(_one);
        for (var time = 0; time < 5; time++)
        {
            _one.Tell();
        }

        Up(_other, 10);
        _other.IsReachable = true;
        _one.Tell();

        Assert.Equal(before, Serve(_other));
    }

    [Fact]
    public void Push_UsesAtThePeer_KeepTheSessionAlive()
    {
        Up(_one, 5);
        Up(_other, 5);
        var before = Serve(_one);
        _one.Tell();
        for (var time = 0; time < 5; time++)
        {
            _one.Time.Advance(SessionModel.Idle / 2);
            _other.Time.Advance(SessionModel.Idle / 2);
            Serve(_one);
            _one.Tell();
        }

        Up(_other, 10);
        Assert.Equal(before, Serve(_other));
    }

    [Fact]
    public void Push_ConflictingClaims_LaterOneWinsAtBoth()
    {
        Up(_one, 5);
        Up(_other, 10);
        Serve(_one);
        _one.Time.Advance(TimeSpan.FromSeconds(1));
        _other.Time.Advance(TimeSpan.FromSeconds(1));
        var later = Serve(_other);
        Up(_one, 10);
        // The earlier claim is sent first, and is corrected.
        _one.Tell();

        Assert.True(_other.Counters.Differing > 0);
        Assert.Equal(later, Serve(_one));
        Assert.Equal(later, Serve(_other));
    }

    [Fact]
    public void Push_NothingNew_SendsNothing()
    {
        Up(_one, 5);
        Up(_other, 5);
        Serve(_one);
        _one.Tell();
        _other.Tell();
        var (told, sent) = (_one.Counters.SlotsSent + _other.Counters.SlotsSent, _one.Counters.Sent + _other.Counters.Sent);
        _one.Tell();
        _other.Tell();

        Assert.Equal(Slots.Length, told);
        Assert.Equal(sent, _one.Counters.Sent + _other.Counters.Sent);
    }

    [Fact]
    public void Merge_OtherHashingSettings_RefusesAndCounts()
    {
        using var stranger = new SharingPeer(seed: 1);
        SharingPeer.Connect(_one, stranger);
        Up(_one, 5);
        Up(stranger, 5);
        Serve(_one);
        _one.Tell();

        Assert.Empty(stranger.Memory.All());
        Assert.Equal(Slots.Length, stranger.Counters.Refused);
    }

    [Fact]
    public void Merge_ShorterIdleTimeoutHere_SessionExpiresEarlierHere()
    {
        using var shorter = new SharingPeer(idle: SessionModel.Idle / 2);
        SharingPeer.Connect(_one, shorter);
        Up(_one, 5);
        Up(shorter, 5);
        Serve(_one);
        _one.Time.Advance(SessionModel.Idle * 0.75);
        _one.Tell();

        Assert.Empty(shorter.Memory.All());
        Assert.Equal(Slots.Length, _one.Memory.All().Count());
    }

    [Fact]
    public void Parts_TakenOverByTheNextProcess_ContinueThere()
    {
        Up(_one, 5);
        var before = Serve(_one);
        foreach (var part in _one.Exchange.Parts(null))
        {
            _other.Exchange.Take(part);
        }

        Up(_other, 10);
        Assert.Equal(before, Serve(_other));
        _one.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(_one.Exchange.Parts(TimeSpan.FromSeconds(5)));
    }

    public void Dispose()
    {
        _one.Dispose();
        _other.Dispose();
    }

    private static void Up(SharingPeer peer, int count)
    {
        peer.Registry.SetMembers(Registries.Endpoints(count));
        peer.Registry.SetAll(BackendVerdict.Up);
    }

    private static string?[] Serve(SharingPeer peer) => Array.ConvertAll(Slots, peer.Serve);

    private static string?[] Plain(SharingPeer peer) => Array.ConvertAll(Slots, slot => peer.Registry.Current.Choose(slot)?.Id);
}
