using System.Globalization;
using Kiro.Balancer.Selection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace Kiro.Yarp;

/// <summary>A destination as the ranking knows it.</summary>
internal static class DestinationNode
{
    /// <summary>What a weight can be, to follow "expected".</summary>
    public const string AllowedWeight = "a number from 0.01 to 1000";

    public static Candidate Of(DestinationState destination)
    {
        var config = destination.Model.Config;
        // What is not valid does not get past the validator; a destination that gets here another way has 1.
        return new Candidate(IdOf(config.Address), TryReadWeight(config, out var weight) ? weight : 1);
    }

    /// <summary>
    /// What is hashed: the address and never its name in the configuration. <c>host:port</c> in lower case, IPv6 in brackets,
    /// as a Kiro balancer knows its nodes, and behind it the base path if there is one.
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
