using System.Diagnostics;

namespace Kiro.Api.Database;

/// <summary>
/// What the node does for itself at the database, several times a second, is in no trace: each statement would be a trace of its
/// own, and hide those of requests. What it does for a request is part of that request's.
/// </summary>
internal static class BackgroundWork
{
    /// <summary>Until it is disposed, the spans of the calling flow have a parent that nobody records; null within a request.</summary>
    public static Activity? Begin() => Activity.Current is null ? new Activity("background").Start() : null;
}
