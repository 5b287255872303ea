namespace Kiro.Api.Database;

/// <summary>Whether the database answers.</summary>
/// <param name="Up">It answered when it was last asked.</param>
/// <param name="Reason">Why it does not, in plain words and without secrets; null when it does.</param>
internal sealed record DatabaseVerdict(bool Up, string? Reason)
{
    /// <summary>As the API's answers say it.</summary>
    public string Word => Up ? "up" : "down";
}
