using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;

namespace Kiro.Tests.Balancer.Discovery;

/// <summary>Returns what the test sets, and records the times of lookups.</summary>
internal sealed class ScriptedLookup(TimeProvider time) : IBackendLookup
{
    public ConcurrentQueue<DateTimeOffset> Calls { get; } = [];

    /// <summary>The response from now on.</summary>
    public Func<CancellationToken, Task<IReadOnlyList<BackendEndpoint>>> Answer { get; set; } = _ => Task.FromResult<IReadOnlyList<BackendEndpoint>>([]);

    public string Source => "api.test";

    public bool CanChange { get; init; } = true;

    public Task<IReadOnlyList<BackendEndpoint>> FindAsync(CancellationToken cancellationToken)
    {
        Calls.Enqueue(time.GetUtcNow());
        return Answer(cancellationToken);
    }

    public void AnswerWith(params BackendEndpoint[] endpoints) => Answer = _ => Task.FromResult<IReadOnlyList<BackendEndpoint>>(endpoints);

    public void Fail(Exception problem) => Answer = _ => Task.FromException<IReadOnlyList<BackendEndpoint>>(problem);

    /// <summary>Seconds between one call and the next.</summary>
    public IReadOnlyList<double> Gaps() => [.. Calls.Zip(Calls.Skip(1), (one, next) => (next - one).TotalSeconds)];
}
