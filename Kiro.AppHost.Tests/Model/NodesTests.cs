using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

public sealed class NodesTests
{
    [Fact]
    public async Task AddNodes_ByDefault_AreFiveAndASpareOnConsecutivePorts()
    {
        var model = await AppHostModel.OfAsync();
        var nodes = model.OfType<ProjectResource>().ToList();

        Assert.Equal(["api-1", "api-2", "api-3", "api-4", "api-5", "api-6"], nodes.Select(node => node.Name));
        Assert.Equal([13004, 13005, 13006, 13007, 13008, 13009], nodes.Select(node => Endpoint(node).Port));
        Assert.All(nodes, node => Assert.False(Endpoint(node).IsProxied));
        Assert.All(nodes, node => Assert.False(Endpoint(node).IsExternal));
        Assert.Equal(["api-6"], nodes.Where(node => node.HasAnnotationOfType<ExplicitStartupAnnotation>()).Select(node => node.Name));
        Assert.All(nodes, node => Assert.Equal(1, node.GetReplicaCount()));
    }

    [Fact]
    public async Task AddNodes_InstanceCount_IsTheNumberOfNodes()
    {
        var model = await AppHostModel.OfAsync(("INSTANCE_COUNT", "3"), ("SPARE_COUNT", "0"), ("START_PORT", "14000"));

        Assert.Equal(["api-1", "api-2", "api-3"], model.OfType<ProjectResource>().Select(project => project.Name));
        Assert.Equal(14002, Endpoint((ProjectResource)model.Named("api-3")).Port);
    }

    [Fact]
    public async Task AddNodes_FreePorts_LeaveThePortToTheOrchestrator()
    {
        var model = await AppHostModel.OfAsync(("FREE_PORTS", "1"));

        Assert.All(model.OfType<ProjectResource>(), project => Assert.Null(Endpoint(project).Port));
    }

    [Fact]
    public async Task Environment_OfANode_HasItsNameAndPort()
    {
        var model = await AppHostModel.OfAsync(("ADMIN_TOKEN", "change-me"));
        var environment = await model.EnvironmentAsync("api-3");

        Assert.Equal("api-3", environment["NODE_NAME"]);
        Assert.Equal("13006", environment["PORT"]);
        Assert.Equal("127.0.0.0/8,::1/128", environment["TRUSTED_PROXIES"]);
        Assert.Equal("change-me", environment["ADMIN_TOKEN"]);
        Assert.DoesNotContain("ConnectionStrings__kiro", environment.Keys);
    }

    [Fact]
    public async Task AddNodes_WithDatabase_WaitForNothing()
    {
        var model = await AppHostModel.OfAsync(("MYSQL_HOST", "db.example"));

        Assert.All(model.OfType<ProjectResource>(), project => Assert.False(project.HasAnnotationOfType<WaitAnnotation>()));
    }

    [Fact]
    public async Task Commands_OfEveryNode_AreDrainEvacuateAndResume()
    {
        var model = await AppHostModel.OfAsync(("SESSION_IDLE", "600"));

        Assert.Equal("600", (await model.EnvironmentAsync("balancer"))["SESSION_IDLE"]);
        Assert.All(model.OfType<ProjectResource>(), node => Assert.Equal(
            ["drain", "evacuate", "resume"],
            node.Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name).Intersect(["drain", "evacuate", "resume"])));
    }

    private static EndpointAnnotation Endpoint(ProjectResource node) => Assert.Single(node.Annotations.OfType<EndpointAnnotation>());
}
