namespace Kiro.AppHost.Published;

/// <summary>What a user can set in what is published: parameters of the model, each with its default.</summary>
internal static class PublishedSettings
{
    /// <summary>How many nodes there are, at least.</summary>
    public const int Nodes = 5;

    public const int BalancerPort = 13003;

    /// <summary>Of the first node, or of all where they have addresses of their own.</summary>
    public const int FirstPort = 13004;

    /// <summary>Where the balancer keeps what outlives its container, and the folder that is a volume for it.</summary>
    public const string StateFolder = "/var/lib/kiro", StateFile = StateFolder + "/state.json";

    /// <summary>The variable of the balancer's address in the compose files, and its default: the nodes believe it and nobody else.</summary>
    public static readonly (string Name, string Fallback) ComposeBalancer = ("KIRO_BALANCER_ADDRESS", "172.31.13.2");

    /// <summary>The version of the images.</summary>
    public static string Version { get; } = typeof(PublishedSettings).Assembly.GetName().Version!.ToString(3);

    /// <summary>Gives a service a variable whose value the user sets under the same name.</summary>
    public static IResourceBuilder<ProjectResource> WithSetting(this IResourceBuilder<ProjectResource> service, string name, string fallback) =>
        service.WithEnvironment(name, service.ApplicationBuilder.AddSetting(name, fallback));

    /// <summary>The same for a secret, which has no default and is in no file.</summary>
    public static IResourceBuilder<ProjectResource> WithSecret(this IResourceBuilder<ProjectResource> service, string name) =>
        service.WithEnvironment(name, service.ApplicationBuilder.AddSetting(name, "", secret: true));

    /// <summary>The parameter of that name; services share it.</summary>
    public static IResourceBuilder<ParameterResource> AddSetting(
        this IDistributedApplicationBuilder builder, string name, string fallback, bool secret = false)
    {
        var parameter = builder.Resources.OfType<ParameterResource>().SingleOrDefault(known => VariableOf(known) == name);
        return parameter is null
            // Names of parameters have no underscores; publishers make MYSQL_HOST of mysql-host again.
            ? builder.AddParameter(name.ToLowerInvariant().Replace('_', '-'), fallback, publishValueAsDefault: !secret, secret: secret)
            : builder.CreateResourceBuilder(parameter);
    }

    /// <summary>The name of the variable that sets a parameter.</summary>
    public static string VariableOf(ParameterResource parameter) => parameter.Name.ToUpperInvariant().Replace('-', '_');

    /// <summary>What Aspire adds for services that it made itself, and Kiro's do not read.</summary>
    public static IResourceBuilder<ProjectResource> WithoutDefaults(this IResourceBuilder<ProjectResource> service) =>
        service.DisableForwardedHeaders().WithEnvironment(context =>
        {
            foreach (var name in context.EnvironmentVariables.Keys.Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal)).ToList())
            {
                context.EnvironmentVariables.Remove(name);
            }
        });

    /// <summary>What both services take.</summary>
    public static IResourceBuilder<ProjectResource> WithSharedSettings(
        this IResourceBuilder<ProjectResource> service, IResourceBuilder<ParameterResource> token) => service
        .WithEnvironment("ADMIN_TOKEN", token)
        .WithSetting("DRAIN_DELAY", "5")
        .WithSetting("DRAIN_TIMEOUT", "30")
        .WithSetting("OTEL_EXPORTER_OTLP_ENDPOINT", "");
}
