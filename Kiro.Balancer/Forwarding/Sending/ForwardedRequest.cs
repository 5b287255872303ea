using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>A client's request on its way, however many nodes it is sent to.</summary>
/// <param name="Context">The request, and the client's end of the response.</param>
/// <param name="Client">Who sent it.</param>
/// <param name="Buffered">Its body, when that was read into memory first; else null.</param>
/// <param name="Body">What can be sent again.</param>
/// <param name="Rules">The same for every request.</param>
internal sealed record ForwardedRequest(HttpContext Context, Client Client, byte[]? Buffered, RequestBody Body, ForwardingRules Rules) : IRetryableRequest
{
    private List<Backend>? _tried;

    /// <summary>The client's slot.</summary>
    public int Slot { get; init; }

    /// <summary>The value of Set-Cookie by which the client learns its id; null when it knows it, or needs none.</summary>
    public string? NewCookie { get; init; }

    /// <inheritdoc/>
    public string Method => Context.Request.Method;

    /// <summary>Nodes that failed it.</summary>
    public IReadOnlyList<Backend> Tried => _tried ?? [];

    /// <inheritdoc/>
    public bool MayHaveRun { get; set; }

    /// <summary>The node cannot tell a second sending from a second request.</summary>
    public bool MayBeRepeated { get; } = RetryPolicy.Allows(FailurePoint.BeforeResponse, Context.Request.Method, Body);

    /// <summary>Notes that a node failed it.</summary>
    public void AddTried(Backend backend) => (_tried ??= []).Add(backend);

    /// <summary>Hands the client its id with the response of a node, and lets no node set a cookie of that name.</summary>
    /// <param name="headers">The response's, as the node sent them.</param>
    public void HandOutCookie(IHeaderDictionary headers)
    {
        if (Rules.Cookie is not { } cookie)
        {
            return;
        }

        if (headers.SetCookie is { Count: > 0 } set && set.Any(value => cookie.IsSetBy(value)))
        {
            headers.SetCookie = set.Where(value => !cookie.IsSetBy(value)).ToArray();
        }

        if (NewCookie is { } value)
        {
            headers.Append(HeaderNames.SetCookie, value);
            // A cache that serves others must not give them this client's id.
            headers.Append(HeaderNames.CacheControl, "private");
        }
    }
}

/// <summary>A request on its way, as far as it matters for what it may be tried on next.</summary>
internal interface IRetryableRequest
{
    string Method { get; }

    /// <summary>What can be sent again.</summary>
    RequestBody Body { get; }

    /// <summary>The client's slot.</summary>
    int Slot { get; }

    /// <summary>Nodes that failed it.</summary>
    IReadOnlyList<Backend> Tried { get; }

    /// <summary>One of these may have acted on it, and it has gone on to another.</summary>
    bool MayHaveRun { get; set; }
}

/// <summary>What can be sent again.</summary>
internal enum RequestBody
{
    /// <summary>There is none.</summary>
    Empty,

    /// <summary>It was read into memory first.</summary>
    Buffered,

    /// <summary>It goes through as it comes, and only once.</summary>
    Streamed,
}

/// <summary>Sends a request to a node and the node's response to the client.</summary>
internal interface IRequestSender
{
    /// <summary>Sends a request once. Whether it goes on to another node is for others to decide.</summary>
    /// <returns>Null when the node has answered.</returns>
    /// <param name="request">What to send.</param>
    /// <param name="attempt">Where to; it is told when a response begins, and tells when to wait no longer.</param>
    ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt);
}

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
