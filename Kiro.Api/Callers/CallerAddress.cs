using System.Net;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.HttpOverrides;

namespace Kiro.Api.Callers;

/// <summary>Finds out who calls, behind however many trusted proxies.</summary>
internal static class CallerAddress
{
    private const string RealIp = "X-Real-IP";

    /// <summary>What the balancer calls a client by, when it does not tell clients apart by their addresses.</summary>
    private const string Pseudonym = "X-Kiro-Client";

    private const int MaxPseudonym = 40;

    /// <summary>Puts the caller's address in the place of a trusted proxy's.</summary>
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
        // The balancer's verdict is X-Real-IP. Whoever sends it has walked X-Forwarded-For already, so that is only
        // walked, from right to left, when there is no verdict.
        app.UseWhen(
            context => !context.Request.Headers.ContainsKey(RealIp),
            branch => branch.UseForwardedHeaders(Trusting(options, ForwardedHeadersDefaults.XForwardedForHeaderName, limit: null)));
        app.UseForwardedHeaders(Trusting(options, RealIp, limit: 1));
    }

    /// <summary>The caller, as one and the same address whether it came over IPv4 or IPv4-mapped IPv6.</summary>
    public static IPAddress Of(HttpContext context) => Normalise(context.Connection.RemoteIpAddress ?? IPAddress.None);

    /// <summary>The caller as the balancer counts it.</summary>
    /// <param name="context">After <see cref="UseCallerAddress"/>.</param>
    /// <param name="node">This node: clients that the balancer does not know yet are counted together, by each node for itself.</param>
    public static Caller CallerOf(HttpContext context, string node) => context.Request.Headers[Pseudonym] switch
    {
        [null or ""] or [] => new Caller(Of(context), null),
        ["new"] => new Caller(null, $"new on {node}"),
        [{ Length: <= MaxPseudonym } name] => new Caller(null, name),
        _ => new Caller(Of(context), null),
    };

    public static IPAddress Normalise(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        // A scope names an interface of this machine, which says nothing about the caller.
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

/// <summary>A caller as it is counted: by its address, or by what the balancer calls it. One of the two is set.</summary>
internal readonly record struct Caller(IPAddress? Address, string? Pseudonym)
{
    /// <summary>At most 45 characters.</summary>
    public override string ToString() => Address?.ToString() ?? (Pseudonym!.Length > MaxLength ? Pseudonym[..MaxLength] : Pseudonym);

    // As many as an IPv6 address has.
    private const int MaxLength = 45;
}

/// <summary>Whose word about the caller's address counts.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
internal sealed record CallerOptions(IReadOnlyList<System.Net.IPNetwork> TrustedProxies)
{
    public static CallerOptions Read(SettingsReader settings) => new(ServiceDefaults.Trust.TrustedProxies.Read(settings));
}
