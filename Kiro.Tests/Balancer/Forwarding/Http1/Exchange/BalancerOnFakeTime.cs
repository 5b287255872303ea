using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>A whole balancer on a fake clock. Its sockets, and Kestrel, are real.</summary>
internal sealed class BalancerOnFakeTime : IAsyncDisposable
{
    private readonly FakeTimeProvider _time;

    private BalancerOnFakeTime(FakeTimeProvider time, TestBalancer balancer) => (_time, Balancer) = (time, balancer);

    public TestBalancer Balancer { get; }

    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other variables as NAME=value.</param>
    public static async Task<BalancerOnFakeTime> StartAsync(string hosts, params string[] settings)
    {
        var time = new FakeTimeProvider();
        // Probes that time out because the clock is advanced must not count.
        var balancer = await TestBalancer.StartAsync(time, hosts, ["HEALTH_INTERVAL=3600", "HEALTH_TIMEOUT=300", "HEALTH_FALL=100", .. settings]);
        await Eventually.BeTrue(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return balancer.Seconds > 0;
            },
            "the clock is looked at");
        return new BalancerOnFakeTime(time, balancer);
    }

    /// <summary>Advances the clock, and waits until the connection watch has noticed.</summary>
    public async Task AdvanceAsync(int seconds)
    {
        var now = Balancer.Seconds + seconds;
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await Eventually.BeTrue(() => Balancer.Seconds >= now, "the watch has seen the clock");
    }

    public ValueTask DisposeAsync() => Balancer.DisposeAsync();
}
