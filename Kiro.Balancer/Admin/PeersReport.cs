using System.Globalization;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;

namespace Kiro.Balancer.Admin;

/// <summary>Tells of the other balancers.</summary>
internal sealed class PeersReport(PeerSet peers, OrderBook book, TimeProvider time)
{
    public OrdersStatus Orders => new(book.Count, book.Digest().ToString(), book.Refused);

    public IReadOnlyList<PeerStatus> Peers => [.. peers.All.Select(Of)];

    /// <summary>What has been wrong for a while.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var peer in peers.All)
        {
            var (state, since) = (peer.State, time.GetElapsedTime(peer.State.Since));
            if (state.Problem is not null && since >= PeerState.Patience)
            {
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"The balancer {peer.Address} {state.Problem}, for {since.TotalSeconds:0} s now: admin actions do not reach it.");
            }

            foreach (var difference in Difference.InWords(state.Lasting))
            {
                yield return $"The balancer {peer.Address} {difference}.";
            }
        }

        if (peers.LeftOut > 0)
        {
            yield return $"BALANCER_PEERS names {PeerLookup.MaxPeers + peers.LeftOut} balancers. Only {PeerLookup.MaxPeers} of them receive admin actions.";
        }
    }

    private static PeerStatus Of(Peer peer)
    {
        var (state, knowledge) = (peer.State, peer.State.Knowledge);
        return new PeerStatus
        {
            Address = peer.Address.ToString(),
            Reachable = state.IsReachable,
            Error = state.Problem,
            LastHeard = state.LastHeard,
            Version = knowledge?.Response.Version,
            Nodes = knowledge is null ? null : Count(knowledge.View.Nodes),
            Orders = knowledge?.Response.Count,
            Digest = OrderDigest.Decoded(knowledge?.Response.Digest)?.ToString(),
            InStep = knowledge?.IsInStep,
            UntoldSessions = peer.UntoldSessions,
            Differences = [.. Difference.InWords(state.Lasting).Select(words => words + ".")],
        };
    }

    private static PeerNodes Count(IReadOnlyList<NodeView> nodes)
    {
        int In(BackendState state) => nodes.Count(node => node.State == state.Word());
        return new PeerNodes(nodes.Count, In(BackendState.Up), In(BackendState.Starting), In(BackendState.Down), In(BackendState.Draining));
    }
}
