using Kiro.ServiceDefaults.Hosting;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.ServiceDefaults;

public sealed class DrainTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task StoppingAsync_Delay_DrainsAtOnceAndCompletesAfterIt()
    {
        var drain = Create();
        Assert.False(drain.IsDraining);

        var stopping = drain.StoppingAsync(TestContext.Current.CancellationToken);

        Assert.True(drain.IsDraining);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(stopping.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await stopping;
    }

    [Fact]
    public async Task StoppingAsync_SkipDelay_CompletesAtOnceAndStillDrains()
    {
        var drain = Create();
        drain.SkipDelay();

        await drain.StoppingAsync(TestContext.Current.CancellationToken);

        Assert.True(drain.IsDraining);
    }

    [Fact]
    public async Task StoppingAsync_NoDelay_CompletesAtOnce() => await Create("DRAIN_DELAY=0").StoppingAsync(TestContext.Current.CancellationToken);

    [Fact]
    public async Task StoppingAsync_Cancelled_CompletesWithoutAnError()
    {
        using var cancel = new CancellationTokenSource();
        var stopping = Create().StoppingAsync(cancel.Token);

        await cancel.CancelAsync();

        await stopping;
    }

    private Drain Create(params string[] pairs) => new(Settings.Read(DrainOptions.Read, pairs), _time);
}
