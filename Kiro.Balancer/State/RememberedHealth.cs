using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>
/// The last known health of the backends: after a restart, requests avoid backends that were down, and need not wait for the first
/// probe of those that were up. Probes start immediately anyway, and override it.
/// </summary>
internal sealed class RememberedHealth : IBackendMemory
{
    private static readonly TimeSpan MaxEjection = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, SavedNode> _saved = [];

    /// <summary>Called before the first backend is known.</summary>
    public void Remember(IEnumerable<SavedNode> nodes)
    {
        _saved.Clear();
        foreach (var node in nodes)
        {
            _saved.TryAdd(node.Id, node);
        }
    }

    /// <inheritdoc />
    public BackendHealth Recall(string id, BackendHealth fresh, Moment now)
    {
        // Once: a backend that is removed and discovered again is a new one.
        if (!_saved.Remove(id, out var saved) || saved.Verdict == BackendVerdict.Unknown)
        {
            return fresh;
        }

        var ejection = saved.EjectedUntil - now.Time;
        return fresh with
        {
            Verdict = saved.Verdict,
            IsRemembered = true,
            HasBeenUp = saved.HasBeenUp,
            Since = new Moment(saved.Since, now.Uptime - (now.Time > saved.Since ? now.Time - saved.Since : TimeSpan.Zero)),
            Node = saved.Node,
            IsConcurrent = saved.IsConcurrent,
            DrainReasons = saved.IsDraining ? DrainReasons.Node : DrainReasons.None,
            Degradation = saved.Degradation,
            Error = saved.Error,
            Ejections = saved.Ejections,
            EjectedUntil = ejection > TimeSpan.Zero ? now.Uptime + (ejection < MaxEjection ? ejection : MaxEjection) : null,
        };
    }
}

/// <summary>The health of the backends in the state file.</summary>
internal sealed class NodesPart(BackendRegistry registry, RememberedHealth memory) : IStatePart
{
    /// <summary>Older health is ignored.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    /// <summary>Beyond this, health is not saved.</summary>
    private const int MaxNodes = 50_000;

    public string Name => "nodes";

    public void Write(Utf8JsonWriter writer)
    {
        var now = registry.Now;
        JsonSerializer.Serialize(writer, [.. registry.Current.Backends.Take(MaxNodes).Select(known => SavedNode.Of(known, now))], StateJson.Default.SavedNodeArray);
    }

    public Action Read(JsonElement saved, TimeSpan age)
    {
        var nodes = saved.Deserialize(StateJson.Default.SavedNodeArray) ?? [];
        return () => memory.Remember(age > MaxAge ? [] : nodes);
    }
}

/// <summary>A backend in the state file.</summary>
internal sealed record SavedNode
{
    public required string Id { get; init; }

    public BackendVerdict Verdict { get; init; }

    public bool HasBeenUp { get; init; }

    public DateTimeOffset Since { get; init; }

    public string? Node { get; init; }

    public bool IsConcurrent { get; init; }

    /// <summary>Whether it asked to drain.</summary>
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
