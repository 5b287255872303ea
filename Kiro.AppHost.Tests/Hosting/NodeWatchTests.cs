using System.Collections.Immutable;
using Aspire.Hosting.Kiro;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.AppHost.Tests.Hosting;

/// <summary>From Aspire's resource notifications to the node list that the balancer watches.</summary>
public sealed class NodeWatchTests : IAsyncLifetime
{
    private readonly IDistributedApplicationBuilder _builder = ShopModel.Builder();
    private IResourceBuilder<ExecutableResource> _shop = null!;
    private IResourceBuilder<ExecutableResource> _big = null!;
    private KiroBalancerResource _balancer = null!;
    private DistributedApplication _application = null!;
    private ResourceNotificationService _notifications = null!;
    private NodeWatch _watch = null!;

    public async ValueTask InitializeAsync()
    {
        (_shop, _big) = (_builder.AddShop(), _builder.AddShop("big"));
        _balancer = _builder.AddKiroBalancer("lb", 8080).WithNodes(_shop).WithNodes(_big, 2.5).Resource;
        _application = _builder.Build();
        _notifications = _application.Services.GetRequiredService<ResourceNotificationService>();
        _watch = new NodeWatch(_balancer, _notifications, _application.Services.GetRequiredService<ResourceCommandService>(), NullLogger<NodeWatch>.Instance);
        await _watch.StartAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task List_RunningReplicas_HasTheirPortsAndWeights()
    {
        Assert.False(File.Exists(_balancer.NodeFile));
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await PublishAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await PublishAsync(_shop.Resource, "shop-c", KnownResourceStates.Starting, 5003);
        await PublishAsync(_big.Resource, "big-a", DrainWatch.Draining, 5004);

        await AssertListAsync("127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5004*2.5");
    }

    [Theory]
    [InlineData("Stopping")]
    [InlineData("Finished")]
    [InlineData("Exited")]
    public async Task List_ReplicaStops_DropsItUntilItRunsAgain(string state)
    {
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await PublishAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await AssertListAsync("127.0.0.1:5001", "127.0.0.1:5002");

        await PublishAsync(_shop.Resource, "shop-a", state, 5001);
        await AssertListAsync("127.0.0.1:5002");

        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5009);
        await AssertListAsync("127.0.0.1:5009", "127.0.0.1:5002");
        Assert.Equal("127.0.0.1:5009", _balancer.Running["shop-a"]);
    }

    /// <summary>The balancer then shows the replica as down, rather than not at all.</summary>
    [Fact]
    public async Task List_ReplicaCrashes_KeepsItUntilItRunsAgainOrIsStopped()
    {
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await PublishAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await AssertListAsync("127.0.0.1:5001", "127.0.0.1:5002");

        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Finished, 5001, exitCode: 137);
        await Eventually.BeTrue(() => !_balancer.Running.ContainsKey("shop-a"), "the watch has processed it");
        // Updates are processed in order, so this one comes after it.
        await PublishAsync(_shop.Resource, "shop-c", KnownResourceStates.Running, 5003);
        await AssertListAsync("127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5003");

        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Starting, 5009);
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5009);
        await AssertListAsync("127.0.0.1:5009", "127.0.0.1:5002", "127.0.0.1:5003");

        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Stopping, 5009);
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Finished, 5009, exitCode: 143);
        await AssertListAsync("127.0.0.1:5002", "127.0.0.1:5003");
    }

    [Fact]
    public async Task List_LastReplicaStops_KeepsItSoThatTheBalancerCanRestart()
    {
        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await AssertListAsync("127.0.0.1:5001");

        await PublishAsync(_shop.Resource, "shop-a", KnownResourceStates.Exited, 5001);
        await Eventually.BeTrue(() => _balancer.Running.IsEmpty, "the watch has processed it");
        await AssertListAsync("127.0.0.1:5001");

        await PublishAsync(_big.Resource, "big-a", KnownResourceStates.Running, 5004);
        await AssertListAsync("127.0.0.1:5004*2.5");
    }

    [Fact]
    public async Task Stop_Always_DeletesTheFolder()
    {
        await _watch.StopAsync(TestContext.Current.CancellationToken);

        Assert.False(Directory.Exists(_balancer.WorkingDirectory));
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.StopAsync(CancellationToken.None);
        _watch.Dispose();
        await _application.DisposeAsync();
    }

    private Task PublishAsync(IResource resource, string id, string state, int port, int? exitCode = null) => _notifications.PublishUpdateAsync(resource, id, snapshot => snapshot with
    {
        State = state,
        ExitCode = exitCode,
        EnvironmentVariables = ImmutableArray.Create(new EnvironmentVariableSnapshot("KIRO_NODE_PORT_HTTP", $"{port}", IsFromSpec: true)),
    });

    private async Task AssertListAsync(params string[] lines) => await Eventually.BeTrue(
        () => File.Exists(_balancer.NodeFile) && File.ReadAllLines(_balancer.NodeFile).Order(StringComparer.Ordinal).SequenceEqual(lines.Order(StringComparer.Ordinal)), $"the list is {string.Join(", ", lines)}");
}
