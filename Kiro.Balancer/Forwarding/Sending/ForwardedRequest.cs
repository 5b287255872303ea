using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>A client's request, across all its attempts.</summary>
/// <param name="Context">The request and its response.</param>
/// <param name="Client">The client.</param>
/// <param name="Buffered">The body, if it was buffered.</param>
/// <param name="Body">Whether the body can be sent again.</param>
/// <param name="Rules">What applies to every request.</param>
internal sealed record ForwardedRequest(HttpContext Context, Client Client, byte[]? Buffered, RequestBody Body, ForwardingRules Rules) : IRetryableRequest
{
    private List<Backend>? _tried;

    /// <summary>The client's slot.</summary>
    public int Slot { get; init; }

    /// <summary>The Set-Cookie value that gives a new client its id; null if it needs none.</summary>
    public string? NewCookie { get; init; }

    /// <inheritdoc/>
    public string Method => Context.Request.Method;

    /// <inheritdoc/>
    public IReadOnlyList<Backend> Tried => _tried ?? [];

    /// <inheritdoc/>
    public bool MayHaveRun { get; set; }

    /// <summary>Whether the request may be sent again after a backend may have processed it.</summary>
    public bool MayBeRepeated { get; } = RetryPolicy.Allows(FailurePoint.BeforeResponse, Context.Request.Method, Body);

    public void AddTried(Backend backend) => (_tried ??= []).Add(backend);

    /// <summary>Adds the client's new id to the response, and removes cookies of that name set by the backend.</summary>
    /// <param name="headers">The response headers.</param>
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
            // A shared cache must not give others this client's id.
            headers.Append(HeaderNames.CacheControl, "private");
        }
    }
}

/// <summary>What a retry decision needs to know of a request.</summary>
internal interface IRetryableRequest
{
    string Method { get; }

    RequestBody Body { get; }

    /// <summary>The client's slot.</summary>
    int Slot { get; }

    /// <summary>The backends that failed it.</summary>
    IReadOnlyList<Backend> Tried { get; }

    /// <summary>Whether one of these may have processed it, and it was retried.</summary>
    bool MayHaveRun { get; set; }
}

/// <summary>Whether a request body can be sent again.</summary>
internal enum RequestBody
{
    /// <summary>There is no body.</summary>
    Empty,

    /// <summary>It is buffered in memory.</summary>
    Buffered,

    /// <summary>It is forwarded as it arrives, once.</summary>
    Streamed,
}

/// <summary>Sends a request to a backend and forwards its response.</summary>
internal interface IRequestSender
{
    /// <returns>Null if the backend has responded.</returns>
    ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt);
}
