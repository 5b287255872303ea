using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>A node in the state.</summary>
internal sealed record SavedNode
{
    public required string Id { get; init; }

    public BackendVerdict Verdict { get; init; }

    public bool HasBeenUp { get; init; }

    public DateTimeOffset Since { get; init; }

    public string? Node { get; init; }

    public bool IsConcurrent { get; init; }

    /// <summary>Whether it said of itself that it leaves.</summary>
    public bool IsDraining { get; init; }

    public string? Degradation { get; init; }

    public string? Error { get; init; }

    public int Ejections { get; init; }

    public DateTimeOffset? EjectedUntil { get; init; }

    public static SavedNode Of(KnownBackend known, Moment now) => new()
    {
        Id = known.Id,
        Verdict = known.Health.Verdict,
        HasBeenUp = known.Health.HasBeenUp,
        Since = known.Health.Since.Time,
        Node = known.Health.Node,
        IsConcurrent = known.Health.IsConcurrent,
        IsDraining = known.Health.DrainReasons.HasFlag(DrainReasons.Node),
        Degradation = known.Health.Degradation,
        Error = known.Health.Error,
        Ejections = known.Health.Ejections,
        EjectedUntil = known.Health.EjectedUntil is { } until ? now.Time + (until - now.Uptime) : null,
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SavedNode[]))]
internal sealed partial class StateJson : JsonSerializerContext;
