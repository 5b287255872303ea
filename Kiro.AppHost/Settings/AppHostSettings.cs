using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.AppHost.Settings;

/// <summary>What the model is made of.</summary>
/// <param name="Nodes"><c>INSTANCE_COUNT</c>: 1 to 100, default 5.</param>
/// <param name="Spares"><c>SPARE_COUNT</c>: 0 to 10, default 1; nodes that are started by hand.</param>
/// <param name="BalancerPort"><c>BALANCER_PORT</c>, default 13003; null when any free port will do.</param>
/// <param name="StartPort"><c>START_PORT</c>: of the first node, default 13004, the others follow; null when any free port will do.</param>
/// <param name="MySqlHost"><c>MYSQL_HOST</c>: a server that is there already.</param>
/// <param name="Export"><c>EXPORT</c>: cluster, scale or kubernetes; unset, the JSON manifest.</param>
/// <param name="MySqlContainer"><c>MYSQL_CONTAINER=1</c>: a server in a container, when no host is given.</param>
internal sealed record AppHostSettings(
    int Nodes, int Spares, int? BalancerPort, int? StartPort, string? MySqlHost, bool MySqlContainer, ExportKind Export)
{
    /// <summary>Reads <c>.env</c>, environment and command line; null when a value cannot be used, which has then been said.</summary>
    /// <remarks>What is published is the same everywhere: in publish mode nothing but <c>EXPORT</c> is read.</remarks>
    public static AppHostSettings? Read(IDistributedApplicationBuilder builder)
    {
        try
        {
            if (builder.ExecutionContext.IsPublishMode)
            {
                return new AppHostSettings(5, 0, 13003, 13004, null, false, ReadExport(new SettingsReader(builder.Configuration)));
            }

            EnvironmentFile.Load();
            // What it has set now. The real environment and the command line were read before, and win.
            builder.Configuration.Sources.Insert(0, new EnvironmentVariablesConfigurationSource());
            var reader = new SettingsReader(builder.Configuration);
            var settings = new AppHostSettings(
                reader.WholeNumber("INSTANCE_COUNT", 5, 1, 100),
                reader.WholeNumber("SPARE_COUNT", 1, 0, 10),
                reader.Port("BALANCER_PORT", 13003),
                reader.Port("START_PORT", 13004),
                reader.Text("MYSQL_HOST"),
                reader.WholeNumber("MYSQL_CONTAINER", 0, 0, 1) == 1,
                ExportKind.Manifest);
            settings = reader.WholeNumber("FREE_PORTS", 0, 0, 1) == 1 ? settings with { BalancerPort = null, StartPort = null } : settings;
            settings.RejectPortsThatDoNotFit(reader);
            reader.ThrowIfInvalid();
            return settings;
        }
        catch (InvalidSettingsException invalid)
        {
            foreach (var line in invalid.Lines)
            {
                Console.Error.WriteLine(line);
            }

            return null;
        }
    }

    private static ExportKind ReadExport(SettingsReader reader)
    {
        var text = reader.Text("EXPORT") ?? nameof(ExportKind.Manifest);
        if (Enum.GetNames<ExportKind>().FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } known)
        {
            return Enum.Parse<ExportKind>(known);
        }

        reader.Reject("EXPORT", text, "manifest, cluster, scale or kubernetes");
        reader.ThrowIfInvalid();
        return default;
    }

    private void RejectPortsThatDoNotFit(SettingsReader reader)
    {
        var last = StartPort + Nodes + Spares - 1;
        if (last > 65535)
        {
            reader.Reject("START_PORT", $"{StartPort}", $"at most {65536 - Nodes - Spares}, for {Nodes + Spares} nodes need as many ports in a row");
        }
        else if (BalancerPort >= StartPort && BalancerPort <= last)
        {
            reader.Reject("BALANCER_PORT", $"{BalancerPort}", $"a port outside of {StartPort} to {last}, which the nodes use");
        }
    }
}
