namespace Kiro.Balancer.Backends;

/// <summary>Which weights a node can have.</summary>
internal static class BackendWeight
{
    public const double Lightest = 0.01;
    public const double Heaviest = 1000;

    /// <summary>The same in words.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Lightest and <= Heaviest;
}
