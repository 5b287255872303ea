using System.Buffers;
using System.Text.Json;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>The state that survives a restart, as JSON: <c>{"version":1,"savedAt":"…", …}</c> with a property for each part.</summary>
internal sealed class BalancerState(IEnumerable<IStatePart> parts, TimeProvider time)
{
    /// <summary>A larger file is not read.</summary>
    public const int MaxBytes = 32 * 1024 * 1024;

    private const int Version = 1;
    private const string VersionName = "version";
    private const string SavedAtName = "savedAt";

    private readonly IStatePart[] _parts = [.. parts];

    public byte[] Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber(VersionName, Version);
            writer.WriteString(SavedAtName, time.GetUtcNow());
            foreach (var part in _parts)
            {
                writer.WritePropertyName(part.Name);
                part.Write(writer);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Restores all parts or none. Parts unknown to this version are ignored.</summary>
    /// <exception cref="InvalidDataException">The state is invalid.</exception>
    public void Read(ReadOnlyMemory<byte> state)
    {
        var restores = new List<Action>();
        try
        {
            using var document = JsonDocument.Parse(state);
            var root = document.RootElement;
            if (root.GetProperty(VersionName).GetInt32() != Version)
            {
                throw new InvalidDataException($"it is of version {root.GetProperty(VersionName)}, and this program reads {Version}");
            }

            var age = time.GetUtcNow() - root.GetProperty(SavedAtName).GetDateTimeOffset();
            foreach (var part in _parts)
            {
                if (root.TryGetProperty(part.Name, out var saved))
                {
                    restores.Add(part.Read(saved, age < TimeSpan.Zero ? TimeSpan.Zero : age));
                }
            }
        }
        catch (Exception problem) when (problem is not InvalidDataException)
        {
            throw new InvalidDataException(problem.Message, problem);
        }

        restores.ForEach(restore => restore());
    }

    /// <summary>Applies changes since <see cref="Read"/>, while the balancer runs.</summary>
    /// <exception cref="JsonException">The state is invalid.</exception>
    public void CatchUp(ReadOnlyMemory<byte> state)
    {
        using var document = JsonDocument.Parse(state);
        foreach (var part in _parts)
        {
            if (document.RootElement.TryGetProperty(part.Name, out var saved))
            {
                part.CatchUp(saved);
            }
        }
    }
}

/// <summary>A part of the state that survives a restart.</summary>
internal interface IStatePart
{
    /// <summary>Its property in the JSON.</summary>
    string Name { get; }

    /// <summary>Writes one JSON value.</summary>
    void Write(Utf8JsonWriter writer);

    /// <summary>Reads what <see cref="Write"/> wrote, perhaps in another version.</summary>
    /// <param name="saved">The value.</param>
    /// <param name="age">Time since it was written, by the wall clock; never negative.</param>
    /// <returns>Restores the part; called once all parts have been read.</returns>
    /// <exception cref="Exception">The value is invalid.</exception>
    Action Read(JsonElement saved, TimeSpan age);

    /// <summary>Applies changes since <see cref="Read"/>, while the balancer runs.</summary>
    void CatchUp(JsonElement saved)
    {
    }
}

/// <summary>Requests that the state be saved.</summary>
internal sealed class StateChanges
{
    private readonly WakeSignal _changed = new();

    /// <summary>Raised before <see cref="SaveRequested"/>, to flush what belongs to the state.</summary>
    public event Action? Saving;

    /// <summary>Raised by <see cref="SaveNow"/>, on its thread.</summary>
    public event Action? SaveRequested;

    /// <summary>Requests a save soon. Thread-safe and cheap.</summary>
    public void MarkChanged() => _changed.Set();

    /// <summary>Saves before it returns, or fails to.</summary>
    public void SaveNow()
    {
        Saving?.Invoke();
        SaveRequested?.Invoke();
    }

    /// <summary>Waits for a change.</summary>
    public Task WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken) => _changed.WaitAsync(limit, time, cancellationToken);
}
