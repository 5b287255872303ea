using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

public sealed class BalancerTests
{
    [Fact]
    public async Task AddBalancer_ByDefault_BalancesOverEveryNodeWithShortIntervals()
    {
        var model = await AppHostModel.OfAsync();
        var environment = await model.EnvironmentAsync("balancer");

        Assert.Equal(
            ["127.0.0.1:13004", "127.0.0.1:13005", "127.0.0.1:13006", "127.0.0.1:13007", "127.0.0.1:13008", "127.0.0.1:13009"],
            ((KiroBalancerResource)model.Named("balancer")).Nodes.Select(nodes => $"{nodes.Endpoint.EndpointAnnotation.TargetHost}:{nodes.Endpoint.Port}"));
        Assert.Equal(("13003", "3", "0"), (environment["BALANCER_PORT"], environment["HEALTH_INTERVAL"], environment["DRAIN_DELAY"]));
    }

    [Fact]
    public async Task AddBalancer_Endpoint_IsExternalWithoutProxy()
    {
        var model = await AppHostModel.OfAsync();
        var endpoint = Assert.Single(model.Named("balancer").Annotations.OfType<EndpointAnnotation>());

        Assert.Equal(13003, endpoint.Port);
        Assert.True(endpoint.IsExternal);
        Assert.False(endpoint.IsProxied);
    }

    [Fact]
    public async Task AdminToken_Unset_IsGeneratedAndTheSameEverywhere()
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

    [Fact]
    public async Task Tls_Unset_IsOff()
    {
        var model = await AppHostModel.OfAsync();

        Assert.DoesNotContain((await model.EnvironmentAsync("balancer")).Keys, name => name.StartsWith("TLS_", StringComparison.Ordinal));
    }

    /// <summary>The balancer runs in a folder of its own, so the user's relative paths must be made absolute.</summary>
    [Fact]
    public async Task Tls_Set_IsPassedOnWithAbsolutePathsAndAnEndpoint()
    {
        var model = await AppHostModel.OfAsync(
            ("TLS_PORT", "13443"), ("TLS_CERTIFICATE", "certificates/fullchain.pem"), ("TLS_KEY", "/etc/kiro/privkey.pem"), ("TLS_KEY_PASSWORD", "a b "), ("TLS_REDIRECT", "on"));
        var environment = await model.EnvironmentAsync("balancer");
        var endpoint = Assert.Single(model.Named("balancer").Annotations.OfType<EndpointAnnotation>(), endpoint => endpoint.Name == "https");

        Assert.Equal((13443, false, "https"), (endpoint.Port, endpoint.IsProxied, endpoint.UriScheme));
        Assert.Equal(
            [("TLS_CERTIFICATE", Path.GetFullPath("certificates/fullchain.pem")), ("TLS_KEY", "/etc/kiro/privkey.pem"), ("TLS_KEY_PASSWORD", "a b "), ("TLS_PORT", "13443"), ("TLS_REDIRECT", "on")],
            environment.Where(variable => variable.Key.StartsWith("TLS_", StringComparison.Ordinal)).Select(variable => (variable.Key, variable.Value)).Order());
        Assert.DoesNotContain((await model.EnvironmentAsync("api-1")).Keys, name => name.StartsWith("TLS_", StringComparison.Ordinal));
    }
}
