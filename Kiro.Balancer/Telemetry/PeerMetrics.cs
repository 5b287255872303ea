using System.Diagnostics.Metrics;
using Kiro.Balancer.Peers;

namespace Kiro.Balancer.Telemetry;

/// <summary>Operators' orders and the other balancers, as metrics.</summary>
internal sealed class PeerMetrics : IHostedService
{
    public PeerMetrics(IMeterFactory meters, PeerSet peers, OrderBook book)
    {
        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.peers", () => ByState(peers), "{balancer}", "Other balancers by whether they respond");
        meter.CreateObservableUpDownCounter("kiro.balancer.peers_differing", () => peers.All.Count(peer => peer.State.Lasting.Count > 0), "{balancer}", "Other balancers that have seen something otherwise for 30 s");
        meter.CreateObservableUpDownCounter("kiro.balancer.orders", () => book.Count, "{order}", "Orders of operators that are in force");
        meter.CreateObservableCounter("kiro.balancer.orders_refused", () => book.Refused, "{order}", "Orders of other balancers that were malformed, dated too far ahead, or too many");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Measurement<int>[] ByState(PeerSet peers)
    {
        var (all, reached) = (peers.All.Count(), peers.All.Count(peer => peer.State.IsReachable));
        return [new(reached, new KeyValuePair<string, object?>("state", "reachable")), new(all - reached, new KeyValuePair<string, object?>("state", "lost"))];
    }
}
