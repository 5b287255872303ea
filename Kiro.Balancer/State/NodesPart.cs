using System.Text.Json;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

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
