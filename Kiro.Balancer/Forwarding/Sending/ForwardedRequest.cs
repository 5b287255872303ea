using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>A client's request on its way, however many nodes it is sent to.</summary>
/// <param name="Context">The request, and the client's end of the response.</param>
/// <param name="Client">Who sent it.</param>
/// <param name="Kept">Its body, when that was read into memory first; else null.</param>
/// <param name="Body">What can be sent again.</param>
/// <param name="Rules">The same for every request.</param>
internal sealed record ForwardedRequest(HttpContext Context, Client Client, byte[]? Kept, RequestBody Body, ForwardingRules Rules) : ITried
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
internal interface ITried
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
    Kept,

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
