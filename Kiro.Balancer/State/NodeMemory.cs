using System.Text.Json;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>
/// What was last known of the nodes: with it a start sends nobody to a node that is down, and waits for no probe of one that is
/// up. The probes begin at once all the same, and what they find counts.
/// </summary>
internal sealed class NodeMemory : IBackendMemory
{
    private static readonly TimeSpan MaxEjection = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, SavedNode> _saved = [];

    /// <summary>Before the first node is known.</summary>
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
        // Once: a node that is forgotten and comes again is another one.
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

/// <summary>The nodes' last known health, in the state.</summary>
internal sealed class NodesPart(BackendRegistry registry, NodeMemory memory) : IStatePart
{
    /// <summary>Older knowledge is none.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(10);

    /// <summary>Of a larger cluster the health of the others is found out anew.</summary>
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
