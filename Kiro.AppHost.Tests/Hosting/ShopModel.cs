using Aspire.Hosting.Kiro;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.AppHost.Tests.Hosting;

/// <summary>A third-party application model with a Kiro balancer.</summary>
internal static class ShopModel
{
    /// <summary>Any existing program; it is never started.</summary>
    private static readonly string Program = typeof(ShopModel).Assembly.Location;

    public static IDistributedApplicationBuilder Builder(params string[] arguments)
    {
        var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = arguments,
            DisableDashboard = true,
            AssemblyName = typeof(ShopModel).Assembly.GetName().Name,
        });
        builder.Configuration.AddInMemoryCollection([new(BalancerProgram.PathVariable, Program)]);
        return builder;
    }

    /// <summary>A web server that is not a project of this repository.</summary>
    public static IResourceBuilder<ExecutableResource> AddShop(this IDistributedApplicationBuilder builder, string name = "shop") =>
        builder.AddExecutable(name, "python3", ".", "-m", "http.server").WithHttpEndpoint(env: "PORT");

    public static async Task<Dictionary<string, string>> EnvironmentAsync(this IResource resource, DistributedApplicationOperation operation = DistributedApplicationOperation.Run)
    {
        var result = await ExecutionConfigurationBuilder.Create(resource).WithEnvironmentVariablesConfig().BuildAsync(
            new DistributedApplicationExecutionContext(operation), NullLogger.Instance, TestContext.Current.CancellationToken);
        Assert.Null(result.Exception);
        return result.EnvironmentVariables.ToDictionary();
    }

    /// <summary>Allocates the endpoint, as Aspire does at startup.</summary>
    public static void Allocate(this IResource resource, int port)
    {
        var endpoint = resource.Annotations.OfType<EndpointAnnotation>().Single();
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port, targetPortExpression: $"{port}");
    }
}
