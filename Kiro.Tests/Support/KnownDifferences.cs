namespace Kiro.Tests.Support;

/// <summary>
/// Where a path that reads requests through Kestrel, or sends them with HttpClient, cannot do what is right, and no setting mends
/// it. The tests expect the right thing everywhere else.
/// </summary>
internal static class KnownDifferences
{
    private static bool IsOverYarp => TestedPath.Setting == "FORWARDER=yarp";

    private static bool IsOverKestrel => IsOverYarp || TestedPath.Setting == "FORWARDER=lean";

    /// <summary>Kestrel refuses space between a chunk's size and its extensions (RFC 9112, section 7.1.1 has it taken).</summary>
    public static bool RefusesSpaceInChunkLines => IsOverKestrel;

    /// <summary>Kestrel skips any CR and LF before a request line (RFC 9112, section 2.2 has one CRLF skipped).</summary>
    public static bool SkipsBareCarriageReturns => IsOverKestrel;

    /// <summary>Kestrel forgets the names in Connection where another line of it says "keep-alive" and nothing else.</summary>
    public static bool ForgetsNamesInOtherLines => IsOverKestrel;

    /// <summary>HttpClient drops interim responses but 100 (RFC 9110, section 15.2 has them passed on).</summary>
    public static bool DropsInterimResponses => IsOverYarp;
}
