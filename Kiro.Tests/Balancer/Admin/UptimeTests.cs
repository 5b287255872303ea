using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Admin;

public sealed class UptimeTests
{
    [Fact]
    public async Task Status_TheClockIsSetBack_TheUptimeOnlyGrows()
    {
        await using var node = RawBackend.Responding();
        var time = new SettableClock();
        await using var balancer = await TestBalancer.StartAsync(time, node.Host);

        time.Offset = TimeSpan.FromHours(-1);
        time.Advance(TimeSpan.FromSeconds(5));

        var status = await balancer.Http.GetFromJsonAsync<JsonElement>(new Uri("/lb/status", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.InRange(status.GetProperty("balancer").GetProperty("uptimeSeconds").GetDouble(), 5, 60);
    }
}
