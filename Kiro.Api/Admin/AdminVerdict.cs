namespace Kiro.Api.Admin;

/// <summary>What a request's token says about its sender.</summary>
internal enum AdminVerdict
{
    /// <summary>No token: a member of the public.</summary>
    Absent,

    /// <summary>The administrator.</summary>
    Right,

    /// <summary>Somebody who would like to be.</summary>
    Wrong,
}
