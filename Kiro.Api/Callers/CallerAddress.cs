using System.Net;
using Kiro.Api.Nodes;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.HttpOverrides;

namespace Kiro.Api.Callers;

/// <summary>Determines the caller's address behind any number of trusted proxies.</summary>
internal static class CallerAddress
{
    private const string RealIp = "X-Real-IP";

    /// <summary>The balancer's pseudonym for a client, if clients are not identified by address.</summary>
    private const string Pseudonym = "X-Kiro-Client";

    private const int MaxPseudonym = 40;

    /// <summary>Replaces the address of a trusted proxy by the caller's.</summary>
    public static void UseCallerAddress(this IApplicationBuilder app, CallerOptions options)
    {
        app.Use((context, next) =>
        {
            if (context.Request.Headers.ContainsKey(Pseudonym) && !IsTrusted(options, context.Connection.RemoteIpAddress))
            {
                context.Request.Headers.Remove(Pseudonym);
            }

            return next(context);
        });
        // X-Real-IP is the balancer's result of evaluating X-Forwarded-For. Without it, X-Forwarded-For is evaluated here,
        // from right to left.
        app.UseWhen(
            context => !context.Request.Headers.ContainsKey(RealIp),
            branch => branch.UseForwardedHeaders(Trusting(options, ForwardedHeadersDefaults.XForwardedForHeaderName, limit: null)));
        app.UseForwardedHeaders(Trusting(options, RealIp, limit: 1));
    }

    /// <summary>The caller's address; IPv4-mapped IPv6 addresses are converted to IPv4.</summary>
    public static IPAddress Of(HttpContext context) => Normalise(context.Connection.RemoteIpAddress ?? IPAddress.None);

    /// <summary>The caller as the balancer identifies it.</summary>
    /// <param name="context">After <see cref="UseCallerAddress"/>.</param>
    /// <param name="node">This node: clients without a pseudonym yet are counted together per node.</param>
    public static Caller CallerOf(HttpContext context, string node) => context.Request.Headers[Pseudonym] switch
    {
        [null or ""] or [] => new Caller(Of(context), null),
        ["new"] => new Caller(null, $"new on {node}"),
        [{ Length: <= MaxPseudonym } name] => new Caller(null, name),
        _ => new Caller(Of(context), null),
    };

    public static IPAddress Normalise(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        // A scope id is an interface of this machine and irrelevant for the caller.
        : address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && address.ScopeId != 0
            ? new IPAddress(address.GetAddressBytes())
            : address;

    private static bool IsTrusted(CallerOptions options, IPAddress? peer) =>
        peer is not null && options.TrustedProxies.Any(network => network.Contains(Normalise(peer)));

    private static ForwardedHeadersOptions Trusting(CallerOptions options, string header, int? limit)
    {
        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor,
            ForwardedForHeaderName = header,
            ForwardLimit = limit,
        };
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in options.TrustedProxies)
        {
            forwarded.KnownIPNetworks.Add(network);
        }

        return forwarded;
    }
}

/// <summary>A caller, identified by its address or its pseudonym. Exactly one of the two is set.</summary>
internal readonly record struct Caller(IPAddress? Address, string? Pseudonym)
{
    /// <summary>At most 45 characters.</summary>
    public override string ToString() => Address?.ToString() ?? (Pseudonym!.Length > MaxLength ? Pseudonym[..MaxLength] : Pseudonym);

    // The length of an IPv6 address.
    private const int MaxLength = 45;
}

/// <summary>The proxies that are trusted to pass the caller's address.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
internal sealed record CallerOptions(IReadOnlyList<System.Net.IPNetwork> TrustedProxies)
{
    public static CallerOptions Read(SettingsReader settings) => new(ServiceDefaults.Trust.TrustedProxies.Read(settings));
}

/// <summary><c>GET /api/client-ip</c>: the caller's address and node.</summary>
internal static class CallerEndpoints
{
    public static void MapCallers(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/client-ip", (HttpContext context, NodeIdentity node) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            return Results.Json(
                new CallerResponse(CallerAddress.Of(context).ToString(), node.Name));
        });
}

/// <summary>The caller's own route: its address, and the node that serves it.</summary>
internal sealed record CallerResponse(string Ip, string Node);
