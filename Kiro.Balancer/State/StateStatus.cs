namespace Kiro.Balancer.State;

/// <summary>How it is with the state file.</summary>
internal sealed class StateStatus
{
    private volatile string? _broken;
    private volatile string? _unwritable;
    private volatile string? _shared;

    /// <summary>A sentence for each thing that somebody should know.</summary>
    public IEnumerable<string> Problems => ((string?[])[_broken, _unwritable, _shared]).OfType<string>();

    /// <summary>It could not be read and was set aside: said until the next start.</summary>
    public string? Broken
    {
        get => _broken;
        set => _broken = value;
    }

    /// <summary>It could not be written: said until it could.</summary>
    public string? Unwritable
    {
        get => _unwritable;
        set => _unwritable = value;
    }

    /// <summary>Somebody else wrote it between two writes of this process: said until nobody does.</summary>
    public string? Shared
    {
        get => _shared;
        set => _shared = value;
    }
}
