using CsCheck;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>Whatever happens to the nodes and to messages: balancers that have synchronized send a client
/// to the same node.</summary>
public sealed class SharedSessionHistoryTests
{
    private static readonly Gen<((int Kind, int Node, int Number) Happening, int Luck)[]> Histories =
        Gen.Select(SessionModel.Events, Gen.Int[0, 1 << 20]).Array[1, 80];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Push_AfterEveryRequest_MatchesTheReferenceModel(int balancers) => Histories.Sample(history =>
    {
        var peers = Peers(balancers);
        var model = new SessionModel();
        foreach (var (happening, luck) in history)
        {
            model.Play(happening, step => Array.ForEach(peers, peer => peer.Time.Advance(step)), [.. peers.Select(peer => peer.Registry)]);
            var random = new Random(luck);
            foreach (var client in SessionModel.Coming(happening))
            {
                // Through any of them.
                var peer = peers[random.Next(balancers)];
                Assert.Equal(model.Serve(client), peer.Serve(client));
                peer.Tell(isWithUses: true, [client]);
            }
        }

        Array.ForEach(peers, peer => peer.Dispose());
    }, iter: 15);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Push_AnyHistoryOfViewsAndLosses_ConvergesAfterAnExchange(int balancers) => Histories.Sample(history =>
    {
        var peers = Peers(balancers);
        var model = new SessionModel();
        foreach (var (happening, luck) in history)
        {
            var random = new Random(luck);
            peers[random.Next(balancers)].IsReachable = random.Next(2) == 0;
            if (happening.Kind is > 2 and < 12 && random.Next(2) == 0)
            {
                // Only one of them sees it.
                model.Play(happening, peers[random.Next(balancers)].Registry);
            }
            else
            {
                model.Play(happening, step => Array.ForEach(peers, peer => peer.Time.Advance(step)), [.. peers.Select(peer => peer.Registry)]);
            }

            foreach (var client in SessionModel.Coming(happening))
            {
                peers[random.Next(balancers)].Serve(client);
            }

            peers[random.Next(balancers)].Tell(isWithUses: random.Next(2) == 0);
        }

        Array.ForEach(peers, Settle);
        foreach (var client in SessionModel.Clients)
        {
            // A request at another time, then a push, and then the corrections.
            Array.ForEach(peers, peer => peer.Time.Advance(TimeSpan.FromSeconds(1)));
            peers[client % balancers].Serve(client);
            Array.ForEach(peers, peer => peer.Tell(isWithUses: true, [client]));
            Array.ForEach(peers, peer => peer.Tell(isWithUses: false));
            var node = peers[client % balancers].Serve(client);
            Assert.All(peers, peer => Assert.Equal(node, peer.Serve(client)));
        }

        Array.ForEach(peers, peer => peer.Dispose());
    }, iter: 15);

    // The clocks of the others are ahead or behind.
    private static SharingPeer[] Peers(int count)
    {
        SharingPeer[] peers = [.. Enumerable.Range(0, count).Select(number => new SharingPeer(TimeSpan.FromMinutes(20 * (number % 2))))];
        SharingPeer.Connect(peers);
        return peers;
    }

    private static void Settle(SharingPeer peer)
    {
        peer.IsReachable = true;
        peer.Registry.SetMembers(Enumerable.Range(0, SessionModel.Names).Select(number => new BackendEndpoint($"api-{number}", 80)));
        foreach (var known in peer.Registry.Current.Backends.ToList())
        {
            peer.Registry.Resume(known.Backend);
            peer.Registry.SetWeight(known.Backend, 1);
            peer.Registry.Probed(known.Backend, new ProbeResult(ProbeOutcome.Passed, null, null, null));
            peer.Registry.Set(known.Id, BackendVerdict.Up);
        }
    }
}
