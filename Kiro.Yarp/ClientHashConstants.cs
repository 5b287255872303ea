namespace Kiro.Yarp;

/// <summary>Names that stand in YARP's configuration.</summary>
public static class ClientHashConstants
{
    /// <summary>A cluster's <c>LoadBalancingPolicy</c>.</summary>
    public const string PolicyName = "ClientHash";

    /// <summary>
    /// Metadata of a destination: its share relative to the others, a number from 0.01 to 1000 with a point as decimal
    /// separator. A destination without it has 1.
    /// </summary>
    public const string WeightMetadata = "ClientHash.Weight";

    /// <summary>Metadata of a cluster: what is hashed, in place of <see cref="ClientHashOptions.Key"/>.</summary>
    public const string KeyMetadata = "ClientHash.Key";
}
