namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What was made of the bytes that came so far.</summary>
internal enum HeadState
{
    /// <summary>It is all there and valid.</summary>
    Complete,

    /// <summary>It may be valid, but is not all there.</summary>
    Incomplete,

    /// <summary>It is no HTTP, or could be read in more than one way.</summary>
    Invalid,
}
