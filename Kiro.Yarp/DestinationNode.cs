using System.Globalization;
using Kiro.Balancer.Selection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Kiro.Yarp;

/// <summary>A destination as a node of the ranking.</summary>
internal static class DestinationNode
{
    /// <summary>The allowed weights, to follow "expected".</summary>
    public const string AllowedWeight = "a number from 0.01 to 1000";

    public static Candidate Of(DestinationState destination)
    {
        var config = destination.Model.Config;
        // Invalid weights are rejected by the validator; 1 if it was bypassed.
        return new Candidate(IdOf(config.Address), TryReadWeight(config, out var weight) ? weight : 1);
    }

    /// <summary>
    /// The hashed id: the address, not the name in the configuration. <c>host:port</c> in lower case, IPv6 in brackets,
    /// like the node ids of a Kiro balancer, followed by the base path if there is one.
    /// </summary>
    public static string IdOf(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url))
        {
            return address;
        }

        var host = url.HostNameType == UriHostNameType.IPv6 ? $"[{url.IdnHost}]" : url.IdnHost;
        return $"{host.ToLowerInvariant()}:{url.Port}{url.AbsolutePath.TrimEnd('/')}";
    }

    public static bool TryReadWeight(DestinationConfig config, out double weight)
    {
        weight = 1;
        return config.Metadata?.TryGetValue(ClientHashConstants.WeightMetadata, out var text) != true
            || (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight) && weight is >= 0.01 and <= 1000);
    }
}
