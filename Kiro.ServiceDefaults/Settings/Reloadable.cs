namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// A part of the settings as it is in force. A reload replaces it as a whole, so whoever needs several values that belong
/// together reads <see cref="Value"/> once. Reading is one volatile load: the way of a request may.
/// </summary>
/// <typeparam name="T">An immutable record.</typeparam>
/// <param name="first">As of the start.</param>
public sealed class Reloadable<T>(T first) where T : class
{
    private volatile T _value = first;
    private Action<T>? _changed;

    /// <summary>What is in force at this moment.</summary>
    public T Value => _value;

    /// <summary>For whoever has to make something of the values, once they are other ones.</summary>
    /// <param name="take">Gets them, after <see cref="Value"/> is new; one reload at a time. It must not throw, since
    /// everything was validated before.</param>
    public void OnChange(Action<T> take) => _changed += take;

    /// <summary>Takes other values into force. Equal ones change nothing and tell nobody.</summary>
    public void Set(T next)
    {
        if (!EqualityComparer<T>.Default.Equals(_value, next))
        {
            _value = next;
            _changed?.Invoke(next);
        }
    }

    /// <summary>Values that stay as they are.</summary>
#pragma warning disable CA2225 // The constructor does the same.
    public static implicit operator Reloadable<T>(T fixedValue) => new(fixedValue);
#pragma warning restore CA2225
}

/// <summary>All settings of a program, and the parts of them that its rooms hold.</summary>
/// <typeparam name="TSettings">The record of all settings.</typeparam>
/// <param name="first">As of the start.</param>
public sealed class SettingsInForce<TSettings>(TSettings first)
{
    private readonly List<Action<TSettings>> _parts = [];

    /// <summary>A part for a room. Only for a room that takes other values while it runs: its variables belong on the list of
    /// those that can be reloaded, and all others stay as they are until a restart.</summary>
    public Reloadable<T> Of<T>(Func<TSettings, T> part) where T : class
    {
        ArgumentNullException.ThrowIfNull(part);
        var reloadable = new Reloadable<T>(part(first));
        _parts.Add(next => reloadable.Set(part(next)));
        return reloadable;
    }

    /// <summary>Takes other settings into force, part by part.</summary>
    public void Take(TSettings next) => _parts.ForEach(take => take(next));
}
