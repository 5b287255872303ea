using System.Globalization;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Peers;
using Kiro.Balancer.State;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>Warnings that an operator would otherwise notice late.</summary>
internal sealed class WarningList(
    ClientCensus census, StickyOptions sticky, DiscoveryStatus discovery, LoopGuard loops, Reloadable<SettingsReport> settings, SettingsReload reload, StateStatus state,
    TrafficWatch traffic, TlsReport? tls = null)
{
    private const int MaxNames = 3;

    /// <param name="snapshot">The current backends.</param>
    /// <param name="reader">The caller. Anybody may read warnings, so other clients' addresses are masked.</param>
    /// <param name="isAdmin">Whether the caller sees all addresses.</param>
    public IReadOnlyList<string> Of(BackendSnapshot snapshot, ClientAddress reader, bool isAdmin)
    {
        var warnings = new List<string>();
        if (snapshot.Backends.Count == 0)
        {
            warnings.Add("No node is known yet, so every request gets 503.");
        }
        else if (snapshot.Selector.IsPanic)
        {
            warnings.Add("No node is up. Requests are tried on every node, in the order of each client's ranking.");
        }

        if (discovery.Problem is { } problem)
        {
            warnings.Add($"{problem}. The last good result stays in use.");
        }

        if (census.IgnoredProxy is { } proxy)
        {
            warnings.Add($"{Display(proxy)} sends X-Forwarded-For, but is not trusted, so it counts as the client. If it is your proxy, add it to TRUSTED_PROXIES.");
        }

        if (snapshot.Backends.Count > 1 && census.OnlyClient is { } only)
        {
            warnings.Add(OneClient(Display(only)));
        }

        // Backends that share a database report the same.
        warnings.AddRange(snapshot.Backends.Where(backend => backend.Health is { State: BackendState.Up, Degradation: not null })
            .GroupBy(backend => backend.Health.Degradation, backend => backend.Name)
            .Select(group => $"{Join([.. group])} degraded: {group.Key!.TrimEnd('.')}."));
        warnings.AddRange(Outliers.Describe([.. snapshot.Backends.Where(backend => backend.State is BackendState.Up or BackendState.Draining).Select(backend => (backend.Name, traffic.Of(backend.Backend)))]));
        if (loops.IsLooping)
        {
            warnings.Add("Requests came back to this balancer and got 508 (loop detected): one of its nodes routes to it.");
        }

        foreach (var same in SameNames(snapshot))
        {
            warnings.Add($"{string.Join(" and ", same.Select(backend => backend.Id))} call themselves {same.Key}: if that is one node under several names, it gets several shares.");
        }

        warnings.AddRange(tls?.Warnings() ?? []);
        warnings.AddRange(reload.Status.Warnings);
        warnings.AddRange(state.Problems);
        warnings.AddRange(settings.Value.Warnings);
        return warnings;

        static string Join(IReadOnlyList<string> names) => names.Count == 1
            ? $"{names[0]} is"
            : $"{string.Join(", ", names.Take(MaxNames))}{(names.Count > MaxNames ? $" and {names.Count - MaxNames} more" : "")} are";

        string OneClient(string address) => sticky switch
        {
            { Cookie: { } cookie } => $"Every request so far has the same cookie {cookie.Name}, so one node serves them all. If that is more than one client, a cache hands out the cookie of one to all.",
            { Field: { } field } when census.OnlyClientHasKey => $"Every request so far has the same {field}, so one node serves them all. If that is more than one client, it does not tell them apart: see STICKY_BY.",
            { Field: { } field } => $"No request so far has {field}, and all came from {address}, so one node serves them all: see STICKY_BY.",
            _ => $"Every request so far came from {address}, so one node serves them all. If that is more than one client, a NAT or a proxy hides them: see TRUSTED_PROXIES, or tell them apart with STICKY_BY=cookie.",
        };

        string Display(ClientAddress address) =>
            isAdmin || address == reader ? address.ToString() : AddressMask.Hide(address.ToString());
    }

    // An IPv4 and an IPv6 address of one host are known to be one backend.
    private static IEnumerable<IGrouping<string, KnownBackend>> SameNames(BackendSnapshot snapshot) => snapshot.Backends
        .Where(backend => backend.Health.Node is not null && !backend.Health.DrainReasons.HasFlag(DrainReasons.Twin))
        .GroupBy(backend => backend.Health.Node!).Where(group => group.Count() > 1);
}

/// <summary>Status of and warnings about the TLS certificates.</summary>
/// <param name="options">The TLS options.</param>
/// <param name="time">The clock.</param>
/// <param name="store">The certificates; null without TLS.</param>
internal sealed class TlsReport(Reloadable<TlsOptions> options, TimeProvider time, CertificateStore? store = null)
{
    private const int MaxCertificates = 50;
    private const int MaxWarnings = 3;

    /// <returns>Null without TLS.</returns>
    public TlsStatus? Now()
    {
        if (store is null)
        {
            return null;
        }

        var now = time.GetUtcNow();
        return new TlsStatus
        {
            Port = options.Value.Port!.Value,
            Certificates = [.. store.Current.All.OrderBy(certificate => certificate.NotAfter).Take(MaxCertificates)
                .Select(certificate => new CertificateStatus(certificate.Names, certificate.NotAfter, certificate.DaysLeft(now)))],
            Problem = store.Problem,
        };
    }

    /// <summary>Certificates that expire soon or were rejected.</summary>
    public IEnumerable<string> Warnings()
    {
        if (store is null)
        {
            yield break;
        }

        var soon = store.ExpiryWarnings();
        foreach (var warning in soon.Take(MaxWarnings))
        {
            yield return warning;
        }

        if (soon.Count > MaxWarnings)
        {
            yield return $"{soon.Count - MaxWarnings} more certificates expire within {ServerCertificate.WarningDays} days.";
        }

        if (store.Problem is { } problem)
        {
            yield return $"{problem}.";
        }
    }
}

/// <summary>Status of and warnings about the peers.</summary>
internal sealed class PeersReport(PeerSet peers, OrderBook book, TimeProvider time)
{
    public OrdersStatus Orders => new(book.Count, book.Digest().ToString(), book.Refused);

    public IReadOnlyList<PeerStatus> Peers => [.. peers.All.Select(Of)];

    /// <summary>Problems that have lasted for a while.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var peer in peers.All)
        {
            var (state, since) = (peer.State, time.GetElapsedTime(peer.State.Since));
            if (state.Problem is not null && since >= PeerState.GracePeriod)
            {
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"The balancer {peer.Address} {state.Problem}, for {since.TotalSeconds:0} s now: admin actions do not reach it.");
            }

            foreach (var difference in Difference.Describe(state.Persistent))
            {
                yield return $"The balancer {peer.Address} {difference}.";
            }
        }

        if (peers.Omitted > 0)
        {
            yield return $"BALANCER_PEERS names {PeerLookup.MaxPeers + peers.Omitted} balancers. Only {PeerLookup.MaxPeers} of them receive admin actions.";
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
            InStep = knowledge?.IsInSync,
            UntoldSessions = peer.PendingSessions,
            Differences = [.. Difference.Describe(state.Persistent).Select(words => words + ".")],
        };
    }

    private static PeerNodes Count(IReadOnlyList<NodeView> nodes)
    {
        int In(BackendState state) => nodes.Count(node => node.State == state.Name());
        return new PeerNodes(nodes.Count, In(BackendState.Up), In(BackendState.Starting), In(BackendState.Down), In(BackendState.Draining));
    }
}
