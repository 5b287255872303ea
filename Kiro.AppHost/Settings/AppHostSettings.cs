using Aspire.Hosting.Pipelines;
using Kiro.AppHost.Published;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.AppHost.Settings;

/// <summary>The settings of the model.</summary>
/// <param name="Nodes"><c>INSTANCE_COUNT</c>: 1 to 100, default 5.</param>
/// <param name="Spares"><c>SPARE_COUNT</c>: 0 to 10, default 1; nodes that the user starts.</param>
/// <param name="BalancerPort"><c>BALANCER_PORT</c>, default 13003; null for any free port.</param>
/// <param name="StartPort"><c>START_PORT</c>: port of the first node, default 13004, the others use the following ports; null for any free ports.</param>
/// <param name="MySqlHost"><c>MYSQL_HOST</c>: an existing server.</param>
/// <param name="MySqlContainer"><c>MYSQL_CONTAINER=1</c>: a server in a container, if no host is set.</param>
/// <param name="HealthInterval"><c>HEALTH_INTERVAL</c> in seconds; null for the default of <c>Kiro.Aspire.Hosting</c>, 3. Validated by the balancer.</param>
/// <param name="DrainDelay"><c>DRAIN_DELAY</c> in seconds; null for the time that others here take to notice a shutdown.</param>
/// <param name="SessionIdle"><c>SESSION_IDLE</c>, up to a day; zero, the default, for no session affinity.</param>
/// <param name="Tls">HTTPS settings of the balancer.</param>
internal sealed record AppHostSettings(
    int Nodes, int Spares, int? BalancerPort, int? StartPort, string? MySqlHost, bool MySqlContainer, string? HealthInterval, string? DrainDelay,
    TimeSpan SessionIdle, TlsSettings Tls)
{
    /// <summary>Reads <c>.env</c>, environment and command line; null after an invalid value, which has been reported.</summary>
    /// <remarks>In publish mode the settings of this machine are ignored, so that the output is the same everywhere.</remarks>
    public static AppHostSettings? Read(IDistributedApplicationBuilder builder) => InvalidSettings.Report(() =>
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            RejectWhatCannotBePublished(new SettingsReader(builder.Configuration));
            return new AppHostSettings(5, 0, 13003, 13004, null, false, null, null, TimeSpan.Zero, TlsSettings.Off);
        }

        EnvironmentFile.Load();
        // The variables from the file. The environment and the command line were read before and override them.
        builder.Configuration.Sources.Insert(0, new EnvironmentVariablesConfigurationSource());
        var reader = new SettingsReader(builder.Configuration);
        var settings = new AppHostSettings(
            reader.WholeNumber("INSTANCE_COUNT", 5, 1, 100),
            reader.WholeNumber("SPARE_COUNT", 1, 0, 10),
            reader.Port("BALANCER_PORT", 13003),
            reader.Port("START_PORT", 13004),
            reader.Text("MYSQL_HOST"),
            reader.WholeNumber("MYSQL_CONTAINER", 0, 0, 1) == 1,
            reader.Text("HEALTH_INTERVAL"),
            reader.Text("DRAIN_DELAY"),
            reader.Seconds("SESSION_IDLE", 0, 0, 86400),
            TlsSettings.Read(reader));
        settings = reader.WholeNumber("FREE_PORTS", 0, 0, 1) == 1 ? settings with { BalancerPort = null, StartPort = null } : settings;
        settings.RejectPortsThatDoNotFit(reader);
        settings.RejectContainerThatIsNotBuiltIn(reader);
        reader.ThrowIfInvalid();
        return settings;
    });

    // Aspire would do nothing and report success.
    private static void RejectWhatCannotBePublished(SettingsReader reader)
    {
        if (reader.Text("EXPORT") is { } export && !export.Equals(nameof(ExportKind.Manifest), StringComparison.OrdinalIgnoreCase))
        {
            reader.Reject("EXPORT", export, "manifest, or nothing, for Kiro.AppHost; Kiro.AppHost.Export publishes cluster, scale and kubernetes");
        }

        if (reader.Text("Pipeline:Step") is WellKnownPipelineSteps.Deploy)
        {
            reader.Reject("--step", WellKnownPipelineSteps.Deploy, "a step that Kiro.AppHost has, such as publish; for deployment see docs/deploy.md");
        }

        reader.ThrowIfInvalid();
    }

    private void RejectPortsThatDoNotFit(SettingsReader reader)
    {
        var last = StartPort + Nodes + Spares - 1;
        if (last > 65535)
        {
            reader.Reject("START_PORT", $"{StartPort}", $"at most {65536 - Nodes - Spares}, because {Nodes + Spares} nodes need as many consecutive ports");
        }

        foreach (var (name, port) in ((string, int?)[])[("BALANCER_PORT", BalancerPort), ("TLS_PORT", Tls.Port)])
        {
            if (last <= 65535 && port >= StartPort && port <= last)
            {
                reader.Reject(name, $"{port}", $"a port outside of {StartPort} to {last}, which the nodes use");
            }
        }
    }

    private void RejectContainerThatIsNotBuiltIn(SettingsReader reader)
    {
#if !KIRO_MYSQL_HOSTING
        if (MySqlContainer && MySqlHost is null)
        {
            reader.Reject("MYSQL_CONTAINER", "1", "0 in a build without Aspire.Hosting.MySql; build with KiroMySqlHosting=true, or set MYSQL_HOST");
        }
#endif
    }
}
