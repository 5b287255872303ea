using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;

namespace Kiro.Balancer.Status;

/// <summary>What an operator would otherwise find out late, in plain words.</summary>
internal sealed class Warnings(ClientCensus census, DiscoveryStatus discovery)
{
    public IReadOnlyList<string> Of(BackendSnapshot snapshot)
    {
        var warnings = new List<string>();
        if (snapshot.Backends.Count == 0)
        {
            warnings.Add("No node is known yet, so every request is answered with 503.");
        }
        else if (snapshot.IsPanic)
        {
            warnings.Add("No node is up. Requests are tried on every node, in the order of each client's ranking.");
        }

        if (discovery.Problem is { } problem)
        {
            warnings.Add($"{problem}. The last good answer stays in use.");
        }

        if (census.IgnoredProxy is { } proxy)
        {
            warnings.Add($"{proxy} sends X-Forwarded-For, but is not trusted, so it counts as the client. If it is your proxy, add it to TRUSTED_PROXIES.");
        }

        if (snapshot.Backends.Count > 1 && census.OnlyClient is { } only)
        {
            warnings.Add($"Every request so far came from {only}, so one node serves them all. If that is more than one client, a NAT or a proxy hides them: see TRUSTED_PROXIES.");
        }

        return warnings;
    }
}
