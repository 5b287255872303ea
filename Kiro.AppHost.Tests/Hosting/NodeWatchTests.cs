using System.Collections.Immutable;
using Aspire.Hosting.Kiro;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.AppHost.Tests.Hosting;

/// <summary>From what Aspire tells of replicas to the list that the balancer watches.</summary>
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
    public async Task List_ReplicasThatRun_HasThemWithTheirPortsAndWeights()
    {
        Assert.False(File.Exists(_balancer.NodeFile));
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await TellAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await TellAsync(_shop.Resource, "shop-c", KnownResourceStates.Starting, 5003);
        await TellAsync(_big.Resource, "big-a", DrainWatch.Draining, 5004);

        await IsAsync("127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5004*2.5");
    }

    [Theory]
    [InlineData("Stopping")]
    [InlineData("Finished")]
    [InlineData("Exited")]
    public async Task List_ReplicaThatLeaves_HasItNoMore_AndAgainOnAnotherPort(string state)
    {
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await TellAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await IsAsync("127.0.0.1:5001", "127.0.0.1:5002");

        await TellAsync(_shop.Resource, "shop-a", state, 5001);
        await IsAsync("127.0.0.1:5002");

        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5009);
        await IsAsync("127.0.0.1:5009", "127.0.0.1:5002");
        Assert.Equal("127.0.0.1:5009", _balancer.Running["shop-a"]);
    }

    /// <summary>It shows as down on the balancer's page, instead of nowhere.</summary>
    [Fact]
    public async Task List_ReplicaThatCrashes_KeepsIt_UntilItRunsAgainOrIsStopped()
    {
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await TellAsync(_shop.Resource, "shop-b", KnownResourceStates.Running, 5002);
        await IsAsync("127.0.0.1:5001", "127.0.0.1:5002");

        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Finished, 5001, exitCode: 137);
        await Eventually.BeTrue(() => !_balancer.Running.ContainsKey("shop-a"), "the watch has seen it");
        // What follows is seen after it.
        await TellAsync(_shop.Resource, "shop-c", KnownResourceStates.Running, 5003);
        await IsAsync("127.0.0.1:5001", "127.0.0.1:5002", "127.0.0.1:5003");

        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Starting, 5009);
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5009);
        await IsAsync("127.0.0.1:5009", "127.0.0.1:5002", "127.0.0.1:5003");

        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Stopping, 5009);
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Finished, 5009, exitCode: 143);
        await IsAsync("127.0.0.1:5002", "127.0.0.1:5003");
    }

    [Fact]
    public async Task List_TheLastReplicaLeaves_StaysAsItWas_SoThatTheBalancerCanStartAgain()
    {
        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Running, 5001);
        await IsAsync("127.0.0.1:5001");

        await TellAsync(_shop.Resource, "shop-a", KnownResourceStates.Exited, 5001);
        await Eventually.BeTrue(() => _balancer.Running.IsEmpty, "the watch has seen it");
        await IsAsync("127.0.0.1:5001");

        await TellAsync(_big.Resource, "big-a", KnownResourceStates.Running, 5004);
        await IsAsync("127.0.0.1:5004*2.5");
    }

    [Fact]
    public async Task Stop_TakesTheFolderAway()
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

    private Task TellAsync(IResource resource, string id, string state, int port, int? exitCode = null) => _notifications.PublishUpdateAsync(resource, id, snapshot => snapshot with
    {
        State = state,
        ExitCode = exitCode,
        EnvironmentVariables = ImmutableArray.Create(new EnvironmentVariableSnapshot("KIRO_NODE_PORT_HTTP", $"{port}", IsFromSpec: true)),
    });

    private async Task IsAsync(params string[] lines) => await Eventually.BeTrue(
        () => File.Exists(_balancer.NodeFile) && File.ReadAllLines(_balancer.NodeFile).Order(StringComparer.Ordinal).SequenceEqual(lines.Order(StringComparer.Ordinal)), $"the list is {string.Join(", ", lines)}");
}
