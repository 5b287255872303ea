namespace Kiro.ServiceDefaults.Settings;

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
