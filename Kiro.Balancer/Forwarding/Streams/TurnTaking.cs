using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>
/// Lets others have their turn now and then. Where receives end on the thread that waits for all sockets, two fast ends
/// would keep it busy with each other.
/// </summary>
internal struct TurnTaking
{
    /// <summary>Steps that may follow one another without a wait.</summary>
    private const int MaxStreak = 16;

    private int _steps;

    /// <summary>To be awaited at each step. Seldom it ends on another thread.</summary>
    public ConfiguredTaskAwaitable GiveWayAsync() =>
        Task.CompletedTask.ConfigureAwait(++_steps % MaxStreak == 0 ? ConfigureAwaitOptions.ForceYielding : ConfigureAwaitOptions.None);
}
