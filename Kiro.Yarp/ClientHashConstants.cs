namespace Kiro.Yarp;

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
