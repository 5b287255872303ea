using System.Diagnostics.Metrics;
using Kiro.Balancer.Peers;

namespace Kiro.Balancer.Telemetry;

/// <summary>Operators' orders and the other balancers, as metrics.</summary>
internal sealed class PeerMetrics : IHostedService
{
    public PeerMetrics(IMeterFactory meters, PeerSet peers, OrderBook book, SessionCounters sessions)
    {
        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.peers", () => ByState(peers), "{balancer}", "Other balancers by whether they respond");
        meter.CreateObservableUpDownCounter("kiro.balancer.peers_differing", () => peers.All.Count(peer => peer.State.Lasting.Count > 0), "{balancer}", "Other balancers that have seen something otherwise for 30 s");
        meter.CreateObservableUpDownCounter("kiro.balancer.orders", () => book.Count, "{order}", "Admin actions (drain, weight) in force");
        meter.CreateObservableCounter("kiro.balancer.orders_refused", () => book.Refused, "{order}", "Orders of other balancers that were malformed, dated too far ahead, or too many");
        meter.CreateObservableCounter("kiro.balancer.sessions_told", () => sessions.Told, "{slot}", "Sessions (slots of clients) that other balancers were told of");
        meter.CreateObservableCounter("kiro.balancer.sessions_heard", () => sessions.Heard, "{slot}", "Sessions that were taken as other balancers told them");
        meter.CreateObservableCounter("kiro.balancer.sessions_differing", () => sessions.Differing, "{slot}", "Sessions told by other balancers that this one knew better");
        meter.CreateObservableCounter("kiro.balancer.sessions_refused", () => sessions.Refused, "{slot}", "Sessions told by balancers with other hashing settings, or with a node too many");
        meter.CreateObservableUpDownCounter("kiro.balancer.sessions_untold", () => peers.All.Sum(peer => peer.UntoldSessions ?? 0), "{slot}", "Sessions that other balancers are still to be told of");
        meter.CreateObservableCounter("kiro.balancer.sessions_bytes", () => Bytes(sessions), "By", "Size of what balancers told each other of sessions");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Measurement<long>[] Bytes(SessionCounters sessions) =>
        [new(sessions.Sent, new KeyValuePair<string, object?>("direction", "out")), new(sessions.Received, new KeyValuePair<string, object?>("direction", "in"))];

    private static Measurement<int>[] ByState(PeerSet peers)
    {
        var (all, reached) = (peers.All.Count(), peers.All.Count(peer => peer.State.IsReachable));
        return [new(reached, new KeyValuePair<string, object?>("state", "reachable")), new(all - reached, new KeyValuePair<string, object?>("state", "lost"))];
    }
}
