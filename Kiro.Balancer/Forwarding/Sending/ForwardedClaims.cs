using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Fields that tell a node who the client is and what it asked for: who may say so, and what is kept of it.</summary>
internal static class ForwardedClaims
{
    public const string For = ClientHeader.XForwardedFor;
    public const string Proto = "X-Forwarded-Proto";
    public const string Host = "X-Forwarded-Host";
    public const string RealIp = "X-Real-IP";

    /// <summary>What the balancer calls the client by, when that is not its address: <see cref="Client.Pseudonym"/>.</summary>
    public const string Key = "X-Kiro-Client";

    private const string Prefix = "X-Forwarded-";

    /// <summary>Whether a field of the request must not reach the node.</summary>
    public static bool IsDropped(string name, bool peerIsTrusted) =>
        name.Contains('_') ? RequestFieldNames.IsLookalike(name) : !peerIsTrusted && IsClaim(name);

    /// <summary>Whether the balancer writes this field itself.</summary>
    public static bool IsWritten(string name) =>
        name.Length is >= 8 and <= 23 && (name[0] is 'X' or 'x'
        ? name.Equals(For, StringComparison.OrdinalIgnoreCase) || name.Equals(Proto, StringComparison.OrdinalIgnoreCase)
            || name.Equals(Host, StringComparison.OrdinalIgnoreCase) || name.Equals(RealIp, StringComparison.OrdinalIgnoreCase)
            || name.Equals(ClientCertificateField.Name, StringComparison.OrdinalIgnoreCase)
            || name.Equals(Key, StringComparison.OrdinalIgnoreCase)
        : name.Equals(HopMark.FieldName, StringComparison.OrdinalIgnoreCase) || name.Equals(ClientHeader.Forwarded, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the request says that it was sent over HTTPS.</summary>
    public static bool SaysHttps(HttpRequest request) => string.Equals(First(request.Headers[Proto]), "https", StringComparison.OrdinalIgnoreCase);

    /// <summary>The first value, if it says anything.</summary>
    public static string? First(StringValues values) => values.Count > 0 && values[0] is { Length: > 0 } value ? value : null;

    /// <summary>
    /// What the node is told by <c>Forwarded</c> (RFC 7239): what a trusted peer said, completed. A list that is left in the
    /// middle of a quoted string cannot be completed, and is dropped.
    /// </summary>
    /// <returns>Null when nothing is to be told.</returns>
    public static string? CompleteForwarded(HttpRequest request, in Client client, ForwardingRules rules)
    {
        var before = client.PeerIsTrusted ? request.Headers[ClientHeader.Forwarded] : default;
        if (before.Count == 0 && !rules.WritesForwarded)
        {
            return null;
        }

        var own = ForwardedElement.Of(client.Peer, request.Host.Value ?? "", request.Scheme);
        var list = string.Join(", ", before.ToArray());
        return list.Length > 0 && ForwardedElement.CanBeCompleted(list) ? $"{list}, {own}" : own;
    }

    private static bool IsClaim(string name) =>
        name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.Equals(ClientHeader.Forwarded, StringComparison.OrdinalIgnoreCase);
}
