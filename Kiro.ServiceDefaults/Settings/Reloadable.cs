namespace Kiro.ServiceDefaults.Settings;

/// <summary>
/// The effective settings of one component. A reload replaces them as a whole, so read <see cref="Value"/> once to get
/// consistent values. Reading is one volatile load, cheap enough for the request path.
/// </summary>
/// <typeparam name="T">An immutable record.</typeparam>
/// <param name="first">The initial value.</param>
public sealed class Reloadable<T>(T first) where T : class
{
    private volatile T _value = first;
    private Action<T>? _changed;

    /// <summary>The current value.</summary>
    public T Value => _value;

    /// <summary>Registers a callback for changes.</summary>
    /// <param name="take">Called with the new value after <see cref="Value"/> has changed, for one reload at a time. It must not
    /// throw, since everything has been validated before.</param>
    public void OnChange(Action<T> take) => _changed += take;

    /// <summary>Replaces the value. Equal values change nothing and raise no callbacks.</summary>
    public void Set(T next)
    {
        if (!EqualityComparer<T>.Default.Equals(_value, next))
        {
            _value = next;
            _changed?.Invoke(next);
        }
    }

    /// <summary>A value that never changes.</summary>
#pragma warning disable CA2225 // The constructor does the same.
    public static implicit operator Reloadable<T>(T fixedValue) => new(fixedValue);
#pragma warning restore CA2225
}

/// <summary>All settings of a program, and the parts that its components hold.</summary>
/// <typeparam name="TSettings">The record of all settings.</typeparam>
/// <param name="first">The initial value.</param>
public sealed class ActiveSettings<TSettings>(TSettings first)
{
    private readonly List<Action<TSettings>> _parts = [];

    /// <summary>The part of a component that supports reloading. Its variables must be on the list of reloadable ones; all others
    /// keep their values until a restart.</summary>
    public Reloadable<T> Of<T>(Func<TSettings, T> part) where T : class
    {
        ArgumentNullException.ThrowIfNull(part);
        var reloadable = new Reloadable<T>(part(first));
        _parts.Add(next => reloadable.Set(part(next)));
        return reloadable;
    }

    /// <summary>Applies new settings, part by part.</summary>
    public void Take(TSettings next) => _parts.ForEach(take => take(next));
}
