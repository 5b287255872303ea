namespace Kiro.Api.Nodes;

/// <summary>This node.</summary>
/// <param name="Name">Stays the same over restarts.</param>
/// <param name="Instance">Differs in each process.</param>
/// <param name="Address">Host and port under which the others could reach it.</param>
/// <param name="Version">Of the program.</param>
/// <param name="StartedAt">When this process began.</param>
internal sealed record NodeIdentity(string Name, string Instance, string Address, string Version, DateTimeOffset StartedAt)
{
    public double UptimeSeconds(TimeProvider time) => Math.Round((time.GetUtcNow() - StartedAt).TotalSeconds, 1);
}
