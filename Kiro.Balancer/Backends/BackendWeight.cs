namespace Kiro.Balancer.Backends;

/// <summary>Which weights a node can have.</summary>
internal static class BackendWeight
{
    public const double Heaviest = 1000;

    /// <summary>The same in words.</summary>
    public const string Allowed = "a number above 0 and up to 1000";

    public static bool IsValid(double weight) => weight is > 0 and <= Heaviest;
}
