using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.AppHost.Tests.Support;

/// <summary>The application model of AppHost.cs, not started.</summary>
internal static class AppHostModel
{
    /// <summary>The model for these settings, independent of the environment of the machine.</summary>
    public static async Task<IReadOnlyList<IResource>> OfAsync(params (string Name, string Value)[] settings)
    {
        await using var builder = await BuilderAsync(settings);
        return [.. builder.Resources];
    }

    /// <summary>The builder of AppHost.cs, without the dashboard.</summary>
    public static Task<IDistributedApplicationTestingBuilder> BuilderAsync(params (string Name, string Value)[] settings) =>
        BuilderAsync(withDashboard: false, settings);

    /// <summary>The builder of AppHost.cs.</summary>
    public static Task<IDistributedApplicationTestingBuilder> BuilderAsync(bool withDashboard, params (string Name, string Value)[] settings)
    {
        string[] unset =
        [
            "INSTANCE_COUNT", "SPARE_COUNT", "START_PORT", "BALANCER_PORT", "FREE_PORTS", "MYSQL_HOST", "MYSQL_CONTAINER", "ADMIN_TOKEN", "HEALTH_INTERVAL", "DRAIN_DELAY", "SESSION_IDLE",
            "TLS_PORT", "TLS_CERTIFICATE", "TLS_CERTIFICATES", "TLS_CLIENT_CA", "TLS_KEY", "TLS_KEY_PASSWORD", "TLS_REDIRECT",
        ];
        // Without a key, Aspire writes a new one to the user secrets of the AppHost; an AppHost running at the same time would pick it up, and its
        // dashboard would reject the telemetry of everything started later.
        var given = settings.Append(("AppHost:OtlpApiKey", Guid.NewGuid().ToString("N"))).Select(setting => $"--{setting.Item1}={setting.Item2}");
        string[] arguments = [.. unset.Except(settings.Select(setting => setting.Name)).Select(name => $"--{name}="), .. given];
        return DistributedApplicationTestingBuilder.CreateAsync<Projects.Kiro_AppHost>(
            new DistributedApplicationTestingBuilderOptions { EnableDashboard = withDashboard }, arguments, TestContext.Current.CancellationToken);
    }

    public static IResourceWithEnvironment Named(this IEnumerable<IResource> resources, string name) =>
        resources.OfType<IResourceWithEnvironment>().Single(resource => resource.Name == name);

    /// <summary>The environment of a service, with all endpoints allocated.</summary>
    public static async Task<Dictionary<string, string>> EnvironmentAsync(this IEnumerable<IResource> resources, string name)
    {
        foreach (var endpoint in resources.OfType<IResourceWithEndpoints>().SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>()))
        {
            endpoint.AllocatedEndpoint ??= new AllocatedEndpoint(endpoint, endpoint.TargetHost, endpoint.Port!.Value, targetPortExpression: $"{endpoint.Port}");
        }

        var result = await ExecutionConfigurationBuilder.Create(resources.Named(name)).WithEnvironmentVariablesConfig().BuildAsync(
            new DistributedApplicationExecutionContext(DistributedApplicationOperation.Run), NullLogger.Instance, TestContext.Current.CancellationToken);
        Assert.Null(result.Exception);
        return result.EnvironmentVariables.ToDictionary();
    }
}
