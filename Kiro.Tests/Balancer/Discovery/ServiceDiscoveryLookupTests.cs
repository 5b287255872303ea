using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class ServiceDiscoveryLookupTests
{
    private static readonly string[] Services =
    [
        "services:api:http:0=http://127.0.0.1:13004", "services:api:http:1=http://127.0.0.1:13005", "services:api:http:2=http://api-3.internal:13006",
        "services:api:http:3=http://[::1]:13007", "services:api:http:4=http://API-5:80",
    ];

    [Fact]
    public async Task FindAsync_FiveEndpoints_AreFiveNodes()
    {
        await using var app = BalancerInProcess.Build(Services);
        var options = app.Services.GetRequiredService<Reloadable<DiscoveryOptions>>().Value;
        var lookup = app.Services.GetRequiredService<Func<DiscoveryOptions, IBackendLookup>>()(options);

        var found = await lookup.FindAsync(TestContext.Current.CancellationToken);

        Assert.IsType<ServiceDiscoveryLookup>(lookup);
        Assert.Equal(
            ["127.0.0.1:13004", "127.0.0.1:13005", "[::1]:13007", "api-3.internal:13006", "api-5:80"],
            found.Select(endpoint => endpoint.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Start_FiveEndpoints_AreRegistered()
    {
        await using var balancer = await BalancerInProcess.Start(Services);

        await Eventually.BeTrue(() => balancer.Registry.Current.Backends.Count == 5, "five nodes");

        Assert.Contains("[::1]:13007", balancer.Registry.Ids());
        Assert.Equal("service-discovery", (await balancer.Status()).GetProperty("balancer").GetProperty("mode").GetString());
    }
}
