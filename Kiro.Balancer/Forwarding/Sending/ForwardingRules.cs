using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>What is the same for every request that is forwarded.</summary>
/// <param name="Mark">Left on it, to know it when it comes back.</param>
/// <param name="InForce">How long nodes may take.</param>
/// <param name="ClientHeader">By which field a trusted peer tells who the client is.</param>
/// <param name="Cookie">The balancer's own, which nodes neither get nor set; null when there is none.</param>
/// <param name="AddsForwarded"><c>FORWARDED</c>.</param>
internal sealed record ForwardingRules(HopMark Mark, Reloadable<ForwardingTimeouts> InForce, ClientHeader ClientHeader, StickyCookie? Cookie = null, bool AddsForwarded = false)
{
    /// <summary>How long nodes may take, at this moment.</summary>
    public ForwardingTimeouts Timeouts => InForce.Value;

    /// <summary>Whether nodes are told by <c>Forwarded</c> (RFC 7239), too, when no proxy before did so.</summary>
    public bool WritesForwarded { get; } = AddsForwarded || ClientHeader.Form == ClientHeaderForm.Forwarded;

    /// <summary>Whether a field of a request must not reach the node.</summary>
    public bool IsDropped(string name, bool peerIsTrusted) =>
        ForwardedClaims.IsDropped(name, peerIsTrusted)
        || (ClientHeader.Form == ClientHeaderForm.OneAddress && name.Length == ClientHeader.Name.Length && IsClaimOfClient(name, peerIsTrusted));

    // Some nodes take an underscore for a hyphen. Whoever is trusted writes the name as it is set.
    private bool IsClaimOfClient(string name, bool peerIsTrusted) =>
        name.Equals(ClientHeader.Name, StringComparison.OrdinalIgnoreCase) ? !peerIsTrusted
        : name.Replace('_', '-').Equals(ClientHeader.Name.Replace('_', '-'), StringComparison.OrdinalIgnoreCase);
}
