using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

public sealed class BalancerTests
{
    /// <summary>The reference of many resources under one name is not tested by Aspire, and everything here stands on it.</summary>
    [Fact]
    public async Task Environment_OfTheBalancer_HasEveryNodeUnderOneName()
    {
        var model = await AppHostModel.OfAsync(("SPARE_COUNT", "0"));
        var environment = await model.EnvironmentAsync("balancer");

        var services = environment.Where(variable => variable.Key.StartsWith("services__", StringComparison.Ordinal));
        Assert.Equal(
            [("services__api__http__0", "http://127.0.0.1:13004"), ("services__api__http__1", "http://127.0.0.1:13005"), ("services__api__http__2", "http://127.0.0.1:13006"),
                ("services__api__http__3", "http://127.0.0.1:13007"), ("services__api__http__4", "http://127.0.0.1:13008")],
            services.Select(variable => (variable.Key, variable.Value)).Order());
        Assert.Equal("13003", environment["BALANCER_PORT"]);
        Assert.Equal("1", environment["HEALTH_INTERVAL"]);
    }

    [Fact]
    public async Task AddBalancer_IsTheOnlyOneOutside_AndHasNoProxyBeforeIt()
    {
        var model = await AppHostModel.OfAsync();
        var endpoint = Assert.Single(model.Project("balancer").Annotations.OfType<EndpointAnnotation>());

        Assert.Equal(13003, endpoint.Port);
        Assert.True(endpoint.IsExternal);
        Assert.False(endpoint.IsProxied);
    }

    [Fact]
    public async Task AdminToken_WithoutOne_IsGeneratedAndTheSameEverywhere()
    {
        var model = await AppHostModel.OfAsync();
        var tokens = new[]
        {
            (await model.EnvironmentAsync("balancer"))["ADMIN_TOKEN"],
            (await model.EnvironmentAsync("api-1"))["ADMIN_TOKEN"],
            (await model.EnvironmentAsync("api-5"))["ADMIN_TOKEN"],
        };

        Assert.True(tokens[0].Length >= 32);
        Assert.Single(tokens.Distinct());
        Assert.NotEqual(tokens[0], (await (await AppHostModel.OfAsync()).EnvironmentAsync("balancer"))["ADMIN_TOKEN"]);
    }
}
