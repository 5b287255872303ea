using Kiro.ServiceDefaults.Settings;

namespace Kiro.AppHost;

/// <summary>What the model is made of.</summary>
/// <param name="Nodes"><c>INSTANCE_COUNT</c>: 1 to 100, default 5.</param>
/// <param name="Spares"><c>SPARE_COUNT</c>: 0 to 10, default 1; nodes that are started by hand.</param>
/// <param name="BalancerPort"><c>BALANCER_PORT</c>, default 13003; null when any free port will do.</param>
/// <param name="StartPort"><c>START_PORT</c>: of the first node, default 13004, the others follow; null when any free port will do.</param>
/// <param name="MySqlHost"><c>MYSQL_HOST</c>: a server that is there already.</param>
/// <param name="MySqlContainer"><c>MYSQL_CONTAINER=1</c>: a server in a container, when no host is given.</param>
internal sealed record AppHostSettings(int Nodes, int Spares, int? BalancerPort, int? StartPort, string? MySqlHost, bool MySqlContainer)
{
    /// <summary>Reads <c>.env</c> and the environment; null when a value cannot be used, which has then been said.</summary>
    public static AppHostSettings? Read(IDistributedApplicationBuilder builder)
    {
        try
        {
            var reader = new SettingsReader(builder.Configuration);
            var settings = new AppHostSettings(
                reader.WholeNumber("INSTANCE_COUNT", 5, 1, 100),
                reader.WholeNumber("SPARE_COUNT", 1, 0, 10),
                reader.Port("BALANCER_PORT", 13003),
                reader.Port("START_PORT", 13004),
                reader.Text("MYSQL_HOST"),
                reader.WholeNumber("MYSQL_CONTAINER", 0, 0, 1) == 1);
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
