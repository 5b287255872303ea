using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class ProbeReporterTests
{
    private static readonly ProbeResult Passed = new(ProbeOutcome.Passed, null, null, null);

    [Fact]
    public async Task ReportAsync_RegistryIsBusy_BatchesTheResults()
    {
        using var log = new SlowLog();
        var feed = new ChangeFeed();
        var registry = new BackendRegistry(new HashingOptions(HashingOptions.DefaultSeed, 32, 64), new FakeTimeProvider(), log, feed: feed);
        registry.SetMembers(Registries.Endpoints(100));
        Assert.True(feed.Changes.TryRead(out _));
        var verdicts = new ProbeReporter(registry);
        log.IsSlow = true;

        var first = Task.Run(() => verdicts.ReportAsync(registry.Current.Backends[0].Backend, Passed), TestContext.Current.CancellationToken);
        log.Entered.Wait(TestContext.Current.CancellationToken);
        var others = registry.Current.Backends.Skip(1).Select(known => verdicts.ReportAsync(known.Backend, Passed)).ToArray();
        Assert.DoesNotContain(others, other => other.IsCompleted);
        log.Continue.Set();
        await first;
        await Task.WhenAll(others);

        Assert.Equal(0, registry.Current.NotUp);
        Assert.True(feed.Changes.TryRead(out var one));
        Assert.True(feed.Changes.TryRead(out var rest));
        Assert.Equal((1, 99), (one.Changes.Count, rest.Changes.Count));
    }

    [Fact]
    public async Task ReportAsync_RegistryIsIdle_ReportsImmediately()
    {
        var registry = Registries.Empty();
        registry.SetMembers(Registries.Endpoints(1));

        var told = new ProbeReporter(registry).ReportAsync(registry.Current.Backends[0].Backend, Passed);

        Assert.True(told.IsCompletedSuccessfully);
        Assert.Equal(BackendState.Up, registry.Current.Backends[0].State);
        await told;
    }

    /// <summary>Blocks its writers, as a busy disk would.</summary>
    private sealed class SlowLog : ILogger<BackendRegistry>, IDisposable
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Continue { get; } = new();

        public bool IsSlow { get; set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsSlow)
            {
                Entered.Set();
                Continue.Wait(TestContext.Current.CancellationToken);
            }
        }

        public void Dispose()
        {
            Entered.Dispose();
            Continue.Dispose();
        }
    }
}
