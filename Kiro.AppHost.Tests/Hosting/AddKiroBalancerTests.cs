using Aspire.Hosting.Kiro;
using Microsoft.Extensions.Configuration;

namespace Kiro.AppHost.Tests.Hosting;

public sealed class AddKiroBalancerTests
{
    [Fact]
    public async Task AddKiroBalancer_Run_IsAProcessWithoutProxy()
    {
        var balancer = ShopModel.Builder().AddKiroBalancer("lb", 8080).Resource;
        balancer.Allocate(8080);

        var endpoint = Assert.Single(balancer.Annotations.OfType<EndpointAnnotation>());
        var environment = await balancer.EnvironmentAsync();

        Assert.Equal((8080, false, true), (endpoint.Port, endpoint.IsProxied, endpoint.IsExternal));
        Assert.Equal("8080", environment["BALANCER_PORT"]);
        Assert.Equal(balancer.NodeFile, environment["BACKEND_FILE"]);
        Assert.True(Directory.Exists(balancer.WorkingDirectory));
        Assert.True(environment["ADMIN_TOKEN"].Length >= 32);
        Assert.Contains(balancer.Annotations, annotation => annotation is HealthCheckAnnotation);
        Assert.Contains(balancer.Annotations, annotation => annotation is OtlpExporterAnnotation);
    }

    [Fact]
    public async Task AddKiroBalancer_NoPortAndAToken_UsesAFreePortAndTheToken()
    {
        var builder = ShopModel.Builder();
        var token = builder.AddParameter("token", "0123456789abcdef", secret: true);
        var balancer = builder.AddKiroBalancer("lb", adminToken: token).Resource;
        balancer.Allocate(1);

        Assert.InRange(balancer.Annotations.OfType<EndpointAnnotation>().Single().Port ?? 0, 1024, 65535);
        Assert.Equal("0123456789abcdef", (await balancer.EnvironmentAsync())["ADMIN_TOKEN"]);
        Assert.Same(token.Resource, balancer.AdminTokenParameter);
    }

    [Fact]
    public async Task Settings_OfTheBalancer_AreEnvironmentVariables()
    {
        var balancer = ShopModel.Builder().AddKiroBalancer("lb", 8080).WithHealthPath("/healthz").WithTrustedProxies("10.0.0.0/8", "fd00::/8")
            .WithStickyBy("header:X-User-Id").WithSessionIdle(TimeSpan.FromMinutes(10));
        balancer.Resource.Allocate(8080);

        var environment = await balancer.Resource.EnvironmentAsync();
        var untrusting = await balancer.WithTrustedProxies().Resource.EnvironmentAsync();

        Assert.Equal(("/healthz", "10.0.0.0/8,fd00::/8", "none"), (environment["HEALTH_PATH"], environment["TRUSTED_PROXIES"], untrusting["TRUSTED_PROXIES"]));
        Assert.Equal(("header:X-User-Id", "600"), (environment["STICKY_BY"], environment["SESSION_IDLE"]));
    }

    [Theory]
    [InlineData("header:")]
    [InlineData("sessions")]
    public void WithStickyBy_UnknownKey_Throws(string key) =>
        Assert.Throws<ArgumentException>(() => ShopModel.Builder().AddKiroBalancer("lb", 8080).WithStickyBy(key));

    [Fact]
    public async Task WithNodes_Process_GivesEachReplicaItsPort()
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop();
        builder.AddKiroBalancer("lb", 8080).WithNodes(shop);
        shop.Resource.Allocate(5001);

        Assert.Equal("5001", (await shop.Resource.EnvironmentAsync())["KIRO_NODE_PORT_HTTP"]);
    }

    [Fact]
    public async Task WithNodes_TwoBalancersOnDifferentEndpoints_GivesBothPorts()
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop().WithHttpEndpoint(name: "back-office", env: "BACK_OFFICE_PORT");
        builder.AddKiroBalancer("lb", 8080).WithNodes(shop);
        builder.AddKiroBalancer("office", 8081).WithNodes(shop, endpointName: "back-office");
        var port = 5001;
        foreach (var endpoint in shop.Resource.Annotations.OfType<EndpointAnnotation>())
        {
            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port, targetPortExpression: $"{port++}");
        }

        var environment = await shop.Resource.EnvironmentAsync();

        Assert.Equal(("5001", "5002"), (environment["KIRO_NODE_PORT_HTTP"], environment["KIRO_NODE_PORT_BACK_OFFICE"]));
    }

    [Fact]
    public void WithNodes_SameResourceTwice_Throws()
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop();
        var balancer = builder.AddKiroBalancer("lb", 8080).WithNodes(shop);

        var problem = Assert.Throws<DistributedApplicationException>(() => balancer.WithNodes(shop, 2));

        Assert.StartsWith("lb already balances over shop", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThrowIfIncomplete_NoNodes_Throws()
    {
        var problem = Assert.Throws<DistributedApplicationException>(ShopModel.Builder().AddKiroBalancer("lb", 8080).Resource.ThrowIfIncomplete);

        Assert.Equal("lb has no nodes: add them with WithNodes().", problem.Message);
    }

    [Theory]
    [InlineData("http", "web", "lb cannot balance over shop, which has no endpoint web: add it with WithHttpEndpoint(), or pass another endpoint name to WithNodes. It has http.")]
    [InlineData("https", "https", "lb cannot balance over shop: its endpoint https uses https, but nodes must use plain HTTP.")]
    public void ThrowIfUnreachable_NoSuchEndpointOrNotHttp_Throws(string scheme, string endpoint, string message)
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddExecutable("shop", "python3", ".").WithEndpoint(scheme: scheme);
        var balancer = builder.AddKiroBalancer("lb", 8080).WithNodes(shop, endpointName: endpoint).Resource;

        var problem = Assert.Throws<DistributedApplicationException>(() => balancer.Nodes.Single().ThrowIfUnreachable("lb"));

        Assert.Equal(message, problem.Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(86401)]
    public void WithSessionIdle_OutOfRange_Throws(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ShopModel.Builder().AddKiroBalancer("lb", 8080).WithSessionIdle(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0)]
    [InlineData(1001)]
    public void WithNodes_WeightOutOfRange_Throws(double weight)
    {
        var builder = ShopModel.Builder();

        Assert.Throws<ArgumentOutOfRangeException>(() => builder.AddKiroBalancer("lb", 8080).WithNodes(builder.AddShop(), weight));
    }

    [Fact]
    public void AddKiroBalancer_ProgramMissing_NamesIt()
    {
        var builder = ShopModel.Builder();
        builder.Configuration[BalancerProgram.PathVariable] = "/nowhere/kiro.dll";

        var problem = Assert.Throws<DistributedApplicationException>(() => builder.AddKiroBalancer("lb", 8080));

        Assert.StartsWith("Kiro's balancer is not at /nowhere/kiro.dll", problem.Message, StringComparison.Ordinal);
    }
}
