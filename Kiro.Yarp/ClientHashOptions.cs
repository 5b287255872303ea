using System.Net;
using Microsoft.Extensions.Options;

namespace Kiro.Yarp;

/// <summary>How clients are identified. All proxies of a service must have the same options to agree on destinations.</summary>
public sealed class ClientHashOptions
{
    /// <summary>
    /// What is hashed: <c>ip</c> (the default), <c>header:NAME</c> or <c>cookie:NAME</c>. Requests without the header or
    /// cookie are hashed by address. A cluster can override it with <see cref="ClientHashConstants.KeyMetadata"/>.
    /// </summary>
    public string Key { get; set; } = "ip";

    /// <summary>
    /// The proxies whose <c>X-Forwarded-For</c>, or if that is missing <c>Forwarded</c> (RFC 7239), is trusted: addresses and CIDR
    /// ranges, separated by commas, or <c>none</c>. By default loopback. The header is read from right to left, up to the first
    /// address that is not trusted.
    /// </summary>
    public string TrustedProxies { get; set; } = "127.0.0.0/8,::1/128";

    /// <summary>Any text, which changes the mapping; keep it secret to prevent outsiders from targeting a destination.
    /// Null (the default) gives the mapping of a Kiro balancer without <c>HASH_SEED</c>.</summary>
    public string? Seed { get; set; }

    /// <summary>The number of leading bits of an IPv4 address that are hashed, 1 to 32. By default 32: the whole address.</summary>
    public int IPv4Prefix { get; set; } = 32;

    /// <summary>The number of leading bits of an IPv6 address that are hashed, 1 to 128. By default 64: one household or office,
    /// whose devices change the other half at will (RFC 8981).</summary>
    public int IPv6Prefix { get; set; } = 64;

    /// <returns>Null if an element of <see cref="TrustedProxies"/> is neither an address nor a range.</returns>
    internal IReadOnlyList<IPNetwork>? ReadTrustedProxies()
    {
        var networks = new List<IPNetwork>();
        foreach (var part in TrustedProxies == "none" ? [] : TrustedProxies.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPNetwork.TryParse(part, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(part, out var address))
            {
                networks.Add(new IPNetwork(address, address.GetAddressBytes().Length * 8));
            }
            else
            {
                return null;
            }
        }

        return networks;
    }
}

/// <summary>Names used in YARP's configuration.</summary>
public static class ClientHashConstants
{
    /// <summary>A cluster's <c>LoadBalancingPolicy</c>.</summary>
    public const string PolicyName = "ClientHash";

    /// <summary>
    /// Metadata of a destination: its share relative to the others, a number from 0.01 to 1000 with a decimal point. The
    /// default is 1.
    /// </summary>
    public const string WeightMetadata = "ClientHash.Weight";

    /// <summary>Metadata of a cluster: what is hashed, instead of <see cref="ClientHashOptions.Key"/>.</summary>
    public const string KeyMetadata = "ClientHash.Key";
}

/// <summary>Reports one line per invalid option at startup.</summary>
internal sealed class ClientHashOptionsValidator : IValidateOptions<ClientHashOptions>
{
    public ValidateOptionsResult Validate(string? name, ClientHashOptions options)
    {
        var problems = new List<string>();
        if (!ClientKey.TryParse(options.Key, out _))
        {
            Refuse(nameof(options.Key), options.Key, ClientKey.Allowed);
        }

        if (options.ReadTrustedProxies() is null)
        {
            Refuse(nameof(options.TrustedProxies), options.TrustedProxies, "addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none");
        }

        if (options.IPv4Prefix is < 1 or > 32)
        {
            Refuse(nameof(options.IPv4Prefix), $"{options.IPv4Prefix}", "a whole number from 1 to 32");
        }

        if (options.IPv6Prefix is < 1 or > 128)
        {
            Refuse(nameof(options.IPv6Prefix), $"{options.IPv6Prefix}", "a whole number from 1 to 128");
        }

        return problems.Count > 0 ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;

        void Refuse(string option, string? value, string allowed) =>
            problems.Add($"{nameof(ClientHashOptions)}.{option} = \"{value}\" is not valid: expected {allowed}.");
    }
}
