using Microsoft.Extensions.DependencyInjection;

namespace Kiro.AppHost.Tests.Hosting;

public sealed class WithDrainCommandsTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WithDrainCommands_BeforeOrAfterTheNodes_AddsAllCommands(bool before)
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop();
        var balancer = builder.AddKiroBalancer("lb", 8080);
        _ = before ? balancer.WithDrainCommands().WithNodes(shop) : balancer.WithNodes(shop).WithDrainCommands();

        Assert.Equal(["drain", "evacuate", "resume"], Commands(shop).Select(command => command.Name));
    }

    [Fact]
    public void WithDrainCommands_SecondBalancer_PrefixesItsName()
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop();
        builder.AddKiroBalancer("lb", 8080).WithNodes(shop).WithDrainCommands();
        builder.AddKiroBalancer("other", 8081).WithNodes(shop).WithDrainCommands();

        Assert.Equal(["drain", "evacuate", "resume", "other-drain", "other-evacuate", "other-resume"], Commands(shop).Select(command => command.Name));
    }

    /// <summary>A command is disabled where it has no effect; evacuate exists only with session affinity.</summary>
    [Theory]
    [InlineData(0, "Running", ResourceCommandState.Enabled, ResourceCommandState.Hidden, ResourceCommandState.Disabled)]
    [InlineData(0, "Draining", ResourceCommandState.Disabled, ResourceCommandState.Hidden, ResourceCommandState.Enabled)]
    [InlineData(600, "Running", ResourceCommandState.Enabled, ResourceCommandState.Enabled, ResourceCommandState.Disabled)]
    [InlineData(600, "Draining", ResourceCommandState.Disabled, ResourceCommandState.Enabled, ResourceCommandState.Enabled)]
    [InlineData(600, "Exited", ResourceCommandState.Disabled, ResourceCommandState.Disabled, ResourceCommandState.Disabled)]
    public void Commands_NodeState_EnablesOrDisablesThem(int idle, string state, params ResourceCommandState[] expected)
    {
        var builder = ShopModel.Builder();
        var shop = builder.AddShop();
        builder.AddKiroBalancer("lb", 8080).WithNodes(shop).WithDrainCommands().WithSessionIdle(TimeSpan.FromSeconds(idle));
        var context = new UpdateCommandStateContext
        {
            ResourceSnapshot = new CustomResourceSnapshot { ResourceType = "Executable", Properties = [], State = state },
            Services = new ServiceCollection().BuildServiceProvider(),
        };

        Assert.Equal(expected, Commands(shop).Select(command => command.UpdateState(context)));
    }

    private static IEnumerable<ResourceCommandAnnotation> Commands(IResourceBuilder<ExecutableResource> node) => node.Resource.Annotations.OfType<ResourceCommandAnnotation>();
}
