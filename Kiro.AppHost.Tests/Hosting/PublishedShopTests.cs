using System.Text.Json;

namespace Kiro.AppHost.Tests.Hosting;

public sealed class PublishedShopTests
{
    [Fact]
    public async Task Publish_OneResource_IsAContainerThatResolvesItsName()
    {
        var lb = await PublishAsync(builder => builder.AddKiroBalancer("lb").WithNodes(Container(builder, "shop")));

        Assert.StartsWith("container.v", lb.GetProperty("type").GetString(), StringComparison.Ordinal);
        Assert.Matches(@"^kiro-balancer:\d+\.\d+\.\d+$", lb.GetProperty("image").GetString());
        Assert.False(lb.TryGetProperty("args", out _));
        Assert.Equal("{shop.bindings.http.host}", lb.GetProperty("env").GetProperty("BACKEND_DNS").GetString());
        Assert.Equal("{shop.bindings.http.targetPort}", lb.GetProperty("env").GetProperty("BACKEND_PORT").GetString());
        Assert.Equal("{lb-admin-token.value}", lb.GetProperty("env").GetProperty("ADMIN_TOKEN").GetString());
        Assert.Equal(13003, lb.GetProperty("bindings").GetProperty("http").GetProperty("targetPort").GetInt32());
        Assert.False(lb.GetProperty("env").TryGetProperty("BACKEND_FILE", out _));
    }

    [Fact]
    public async Task Publish_SeveralResources_IsAListAndTheImageCanBeSet()
    {
        var lb = await PublishAsync(builder => builder.AddKiroBalancer("lb")
            .WithNodes(Container(builder, "one")).WithNodes(Container(builder, "two"), 2)
            .WithContainerImage("registry.example/kiro-balancer", "1.2.3"));

        Assert.Equal("registry.example/kiro-balancer:1.2.3", lb.GetProperty("image").GetString());
        Assert.Equal(
            "{one.bindings.http.host}:{one.bindings.http.targetPort},{two.bindings.http.host}:{two.bindings.http.targetPort}*2",
            lb.GetProperty("env").GetProperty("BACKEND_HOSTS").GetString());
    }

    private static IResourceBuilder<ContainerResource> Container(IDistributedApplicationBuilder builder, string name) =>
        builder.AddContainer(name, "registry.example/shop").WithHttpEndpoint(targetPort: 8080);

    private static async Task<JsonElement> PublishAsync(Action<IDistributedApplicationBuilder> add)
    {
        var folder = Directory.CreateTempSubdirectory("kiro-publish-").FullName;
        var builder = ShopModel.Builder("--operation", "publish", "--step", "publish-manifest", "--output-path", folder);
        add(builder);
        await using var application = builder.Build();
        await application.RunAsync(TestContext.Current.CancellationToken);
        var manifest = await File.ReadAllTextAsync(Path.Combine(folder, "aspire-manifest.json"), TestContext.Current.CancellationToken);
        return JsonDocument.Parse(manifest).RootElement.GetProperty("resources").GetProperty("lb");
    }
}
