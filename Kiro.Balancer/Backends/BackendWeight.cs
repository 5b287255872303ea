namespace Kiro.Balancer.Backends;

/// <summary>Which weights a node can have.</summary>
internal static class BackendWeight
{
    public const double Min = 0.01;
    public const double Max = 1000;

    /// <summary>The same in words.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Min and <= Max;
}
