using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Bounds the requests under way at one node, and with them the connections to it, to <c>BACKEND_CONNECTIONS</c>: for nodes
/// with few threads, or one. What is too much waits in the order in which it came, for <see cref="MaxWait"/> at most; the
/// client then gets 503 with Retry-After. An upgraded connection holds its place until it ends. Probes have connections of
/// their own, beside the bound.
/// </summary>
/// <param name="maxConnections">At one node; 0 for no bound.</param>
/// <param name="time">The clock.</param>
internal sealed class BackendGates(int maxConnections, TimeProvider time)
{
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly ConditionalWeakTable<Backend, SemaphoreSlim> _gates = [];

    /// <summary>Whether there is a bound at all.</summary>
    public bool IsOn => maxConnections > 0;

    /// <summary>Waits for a place at the node; the caller gives it back with <see cref="Leave"/>.</summary>
    /// <returns>False when it took too long.</returns>
    public async ValueTask<bool> TryEnterAsync(Backend backend, CancellationToken cancellationToken)
    {
        var gate = Of(backend);
        if (gate.Wait(0, CancellationToken.None))
        {
            return true;
        }

        using var timeout = new CancellationTokenSource(MaxWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await gate.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public void Leave(Backend backend) => Of(backend).Release();

    private SemaphoreSlim Of(Backend backend) => _gates.TryGetValue(backend, out var gate)
        ? gate
        : _gates.GetValue(backend, _ => new SemaphoreSlim(maxConnections));
}
