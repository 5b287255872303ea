namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>What can be sent again.</summary>
internal enum RequestBody
{
    /// <summary>There is none.</summary>
    Empty,

    /// <summary>It was read into memory first.</summary>
    Kept,

    /// <summary>It goes through as it comes, and only once.</summary>
    Streamed,
}
