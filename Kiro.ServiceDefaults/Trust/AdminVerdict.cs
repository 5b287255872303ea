namespace Kiro.ServiceDefaults.Trust;

/// <summary>What a request's token says about its sender.</summary>
public enum AdminVerdict
{
    /// <summary>No token: a member of the public.</summary>
    Absent,

    /// <summary>The administrator.</summary>
    Right,

    /// <summary>Somebody who would like to be.</summary>
    Wrong,

    /// <summary>Somebody who was wrong too often; what they sent was not looked at.</summary>
    TooOften,
}
