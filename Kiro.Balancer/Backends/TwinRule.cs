using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Backends;

/// <summary>
/// One host with an IPv4 and an IPv6 address is one node, although DNS names both. They are known by the name that the node
/// gives itself; as long as the IPv4 address works and discovery names it, the other one is left alone.
/// </summary>
internal static class TwinRule
{
    /// <summary>The IPv6 addresses of nodes that are up by their IPv4 address.</summary>
    public static HashSet<Backend> Find(IEnumerable<KnownBackend> members) => [.. members
        .Where(member => member.Health.Node is not null && member.Health.Verdict == BackendVerdict.Up)
        .GroupBy(member => (member.Health.Node, member.Backend.Port))
        // Exactly one of each: nodes that all give the same name are not one node.
        .Where(group => group.Count(IsIPv4) == 1 && !group.Single(IsIPv4).Health.DrainReasons.HasFlag(DrainReasons.Absent) && group.Count(IsIPv6) == 1)
        .Select(group => group.Single(IsIPv6).Backend)];

    private static bool IsIPv4(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetwork;

    private static bool IsIPv6(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetworkV6;

    private static AddressFamily? FamilyOf(KnownBackend backend) =>
        IPAddress.TryParse(backend.Backend.Host, out var address) ? address.AddressFamily : null;
}
