using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>What applies to every forwarded request.</summary>
/// <param name="Mark">Added to requests for loop detection.</param>
/// <param name="InForce">The timeouts, which a reload may change.</param>
/// <param name="ClientHeader">The field in which a trusted peer names the client.</param>
/// <param name="Cookie">The balancer's own cookie, neither forwarded to nor accepted from backends; null if there is none.</param>
/// <param name="AddsForwarded"><c>FORWARDED</c>.</param>
internal sealed record ForwardingRules(
    LoopMarker Mark, Reloadable<ForwardingTimeouts> InForce, ClientHeader ClientHeader, StickyCookie? Cookie = null, bool AddsForwarded = false)
{
    /// <summary>The current timeouts.</summary>
    public ForwardingTimeouts Timeouts => InForce.Value;

    /// <summary>Whether <c>Forwarded</c> (RFC 7239) is sent even if no proxy sent one.</summary>
    public bool WritesForwarded { get; } = AddsForwarded || ClientHeader.Format == ClientHeaderFormat.Forwarded;

    /// <summary>Whether a request field is not forwarded.</summary>
    public bool IsDropped(string name, bool peerIsTrusted) =>
        ForwardedClaims.IsDropped(name, peerIsTrusted)
        || (ClientHeader.Format == ClientHeaderFormat.SingleAddress && name.Length == ClientHeader.Name.Length && IsClaimOfClient(name, peerIsTrusted));

    // Some backends read underscores as hyphens. A trusted peer uses the configured spelling.
    private bool IsClaimOfClient(string name, bool peerIsTrusted) =>
        name.Equals(ClientHeader.Name, StringComparison.OrdinalIgnoreCase) ? !peerIsTrusted
        : name.Replace('_', '-').Equals(ClientHeader.Name.Replace('_', '-'), StringComparison.OrdinalIgnoreCase);
}

/// <summary>Fields that identify the client to the backend: which are accepted, and which the balancer sets.</summary>
internal static class ForwardedClaims
{
    public const string For = ClientHeader.XForwardedFor;
    public const string Proto = "X-Forwarded-Proto";
    public const string Host = "X-Forwarded-Host";
    public const string RealIp = "X-Real-IP";

    /// <summary>The client's id, unless that is its address: <see cref="Client.Pseudonym"/>.</summary>
    public const string Key = "X-Kiro-Client";

    private const string Prefix = "X-Forwarded-";

    /// <summary>Whether a request field is not forwarded.</summary>
    public static bool IsDropped(string name, bool peerIsTrusted) =>
        name.Contains('_') ? RequestFieldNames.IsLookalike(name) : !peerIsTrusted && IsClaim(name);

    /// <summary>Whether the balancer sets this field itself.</summary>
    public static bool IsWritten(string name) =>
        name.Length is >= 8 and <= 23 && (name[0] is 'X' or 'x'
        ? name.Equals(For, StringComparison.OrdinalIgnoreCase) || name.Equals(Proto, StringComparison.OrdinalIgnoreCase)
            || name.Equals(Host, StringComparison.OrdinalIgnoreCase) || name.Equals(RealIp, StringComparison.OrdinalIgnoreCase)
            || name.Equals(ClientCertificateField.Name, StringComparison.OrdinalIgnoreCase)
            || name.Equals(Key, StringComparison.OrdinalIgnoreCase)
        : name.Equals(LoopMarker.FieldName, StringComparison.OrdinalIgnoreCase) || name.Equals(ClientHeader.Forwarded, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether X-Forwarded-Proto says HTTPS.</summary>
    public static bool SaysHttps(HttpRequest request) => string.Equals(First(request.Headers[Proto]), "https", StringComparison.OrdinalIgnoreCase);

    /// <summary>The first value, or null if it is empty.</summary>
    public static string? First(StringValues values) => values.Count > 0 && values[0] is { Length: > 0 } value ? value : null;

    /// <summary>The value of <c>Forwarded</c> (RFC 7239): a trusted peer's, extended. One that ends inside a quoted string is dropped.</summary>
    /// <returns>Null if the field is not sent.</returns>
    public static string? CompleteForwarded(HttpRequest request, in Client client, ForwardingRules rules)
    {
        var before = client.PeerIsTrusted ? request.Headers[ClientHeader.Forwarded] : default;
        if (before.Count == 0 && !rules.WritesForwarded)
        {
            return null;
        }

        var own = ForwardedElement.Of(client.Peer, request.Host.Value ?? "", request.Scheme);
        var list = string.Join(", ", before.ToArray());
        return list.Length > 0 && ForwardedElement.CanAppendTo(list) ? $"{list}, {own}" : own;
    }

    private static bool IsClaim(string name) =>
        name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.Equals(ClientHeader.Forwarded, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Timeouts of backends. They are backstops: probes find a hung backend first.</summary>
/// <param name="Connect"><c>CONNECT_TIMEOUT</c>: time to establish a connection, 0.1 to 300 s, default 2 s: backends are near.</param>
/// <param name="Exchange"><c>EXCHANGE_TIMEOUT</c>: idle timeout of an exchange, 1 s to a day, default 5 min (as Envoy's idle timeout).</param>
internal sealed record ForwardingTimeouts(TimeSpan Connect, TimeSpan Exchange)
{
    /// <summary>How long to wait for "100 Continue" before the body is sent anyway (RFC 9110, section 10.1.1).</summary>
    public static readonly TimeSpan Continue = TimeSpan.FromSeconds(1);

    /// <summary>Minimum idle timeout of upgraded connections and event streams (HAProxy's <c>timeout tunnel</c>).</summary>
    private static readonly TimeSpan MinStream = TimeSpan.FromHours(1);

    public static ForwardingTimeouts Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5));

    /// <summary>Idle timeout of upgraded connections and event streams.</summary>
    public TimeSpan Stream => Exchange > MinStream ? Exchange : MinStream;

    public static ForwardingTimeouts Read(SettingsReader settings) => new(
        settings.Seconds("CONNECT_TIMEOUT", Default.Connect.TotalSeconds, 0.1, 300),
        settings.Seconds("EXCHANGE_TIMEOUT", Default.Exchange.TotalSeconds, 1, 86_400));
}
