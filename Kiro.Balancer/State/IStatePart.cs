using System.Text.Json;

namespace Kiro.Balancer.State;

/// <summary>Something that outlives the process.</summary>
internal interface IStatePart
{
    /// <summary>Under which it stands in the state.</summary>
    string Name { get; }

    /// <summary>Writes one JSON value.</summary>
    void Write(Utf8JsonWriter writer);

    /// <summary>Reads what <see cref="Write"/> wrote, perhaps in another version.</summary>
    /// <param name="saved">The value.</param>
    /// <param name="age">How long ago it was written, by the clock on the wall; never negative.</param>
    /// <returns>What takes it over, once all parts could be read.</returns>
    /// <exception cref="Exception">Whatever says that it cannot be read.</exception>
    Action Read(JsonElement saved, TimeSpan age);

    /// <summary>Takes over what has changed since <see cref="Read"/>, while the balancer runs.</summary>
    void CatchUp(JsonElement saved)
    {
    }
}
