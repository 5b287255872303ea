namespace Kiro.Balancer.Listening;

/// <summary>
/// Counts the connections of clients, all listeners together, and says when there are as many as there may be.
/// One atomic addition when a connection comes and one when it goes; nothing here knows what the connection is.
/// </summary>
/// <param name="max">How many may be open, at least 1.</param>
internal sealed class ConnectionLimit(int max)
{
    private int _max = max;
    private int _open;
    private long _refused;

    /// <summary>How many may be open.</summary>
    public int Max
    {
        get => Volatile.Read(ref _max);
        set => Volatile.Write(ref _max, value);
    }

    /// <summary>How many are.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many were refused since the start.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>To be asked after a connection was accepted.</summary>
    /// <returns>False when it must be refused and closed; then <see cref="Leave"/> is not due.</returns>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= Max)
        {
            return true;
        }

        Interlocked.Decrement(ref _open);
        Refuse();
        return false;
    }

    /// <summary>Counts a connection that is refused for another reason.</summary>
    public void Refuse() => Interlocked.Increment(ref _refused);

    /// <summary>To be told once the descriptor of a connection that entered is closed.</summary>
    public void Leave() => Interlocked.Decrement(ref _open);
}
