namespace Kiro.Balancer.Backends;

/// <summary>Says in plain words who wants a node to drain.</summary>
internal static class DrainWords
{
    public static string Of(DrainReasons reasons) => string.Join("; ", All(reasons));

    private static IEnumerable<string> All(DrainReasons reasons)
    {
        if (reasons.HasFlag(DrainReasons.Node))
        {
            yield return "the node asks for it";
        }

        if (reasons.HasFlag(DrainReasons.Operator))
        {
            yield return "an operator asked for it";
        }

        if (reasons.HasFlag(DrainReasons.Absent))
        {
            yield return "it is gone from discovery";
        }

        if (reasons.HasFlag(DrainReasons.Twin))
        {
            yield return "the same node is in use by its IPv4 address";
        }
    }
}
