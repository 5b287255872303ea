using System.Buffers;
using System.Text.Json;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>All that outlives the process, as JSON: <c>{"version":1,"savedAt":"…", …}</c> with a property for each part.</summary>
internal sealed class BalancerState(IEnumerable<IStatePart> parts, TimeProvider time)
{
    /// <summary>Larger ones are not read.</summary>
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

    /// <summary>Takes over all parts, or none. What another version wrote and this one does not know is left out.</summary>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public void Read(ReadOnlyMemory<byte> state)
    {
        var takes = new List<Action>();
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
                    takes.Add(part.Read(saved, age < TimeSpan.Zero ? TimeSpan.Zero : age));
                }
            }
        }
        catch (Exception problem) when (problem is not InvalidDataException)
        {
            throw new InvalidDataException(problem.Message, problem);
        }

        takes.ForEach(take => take());
    }

    /// <summary>Takes over what has changed since <see cref="Read"/>, while the balancer runs.</summary>
    /// <exception cref="JsonException">It cannot be read.</exception>
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

/// <summary>Says that something is to be kept.</summary>
internal sealed class StateChanges
{
    private readonly WakeSignal _changed = new();

    /// <summary>Raised before <see cref="Urgent"/>, for whoever has yet to write down what belongs to it.</summary>
    public event Action? Keeping;

    /// <summary>Raised for what is to be kept before anything else happens, on the thread of whoever says so.</summary>
    public event Action? Urgent;

    /// <summary>Soon, and from any thread; costs nothing.</summary>
    public void Note() => _changed.Set();

    /// <summary>Returns when it is kept, or could not be.</summary>
    public void Keep()
    {
        Keeping?.Invoke();
        Urgent?.Invoke();
    }

    /// <summary>Waits for a change.</summary>
    public Task WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken) => _changed.WaitAsync(limit, time, cancellationToken);
}
