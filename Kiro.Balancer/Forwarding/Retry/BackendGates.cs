using System.Runtime.CompilerServices;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Retry;

/// <summary>
/// Limits the concurrent requests per backend, and thus its connections, to <c>BACKEND_CONNECTIONS</c>. Excess requests wait in order, for at most
/// <see cref="MaxWait"/>, and then get 503 with Retry-After. An upgraded connection occupies a slot until it closes. Probes do not count.
/// </summary>
/// <param name="maxConnections">The limit per backend; 0 is unlimited.</param>
/// <param name="time">The clock.</param>
internal sealed class BackendGates(int maxConnections, TimeProvider time)
{
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    private readonly ConditionalWeakTable<Backend, SemaphoreSlim> _gates = [];

    /// <summary>Whether there is a limit.</summary>
    public bool IsOn => maxConnections > 0;

    /// <summary>Waits for a slot, which the caller releases with <see cref="Leave"/>.</summary>
    /// <returns>False if no slot became free in time.</returns>
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
