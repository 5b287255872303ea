using System.Globalization;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>
/// Validates the settings of the services before they start, so that an error is reported once rather than by every process.
/// </summary>
internal static class ServiceSettings
{
    public static IReadOnlyList<string> Problems(IConfiguration configuration, ClusterSettings settings)
    {
        // The runner sets the ports. Everything else is validated as given, even what will be ignored.
        var seen = new ConfigurationBuilder()
            .AddConfiguration(configuration)
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["PORT"] = Text(settings.StartPort),
                ["NODE_NAME"] = "api-1",
                ["BALANCER_PORT"] = Text(settings.BalancerPort ?? 0),
                ["BACKEND_START_PORT"] = Text(settings.StartPort),
                ["BACKEND_COUNT"] = Text(Math.Min(settings.InstanceCount, 65536 - settings.StartPort)),
            })
            .Build();

        var problems = new List<string>();
        Collect(problems, () => Kiro.Api.ApiSettings.Read(seen));
        if (settings.BalancerPort is not null)
        {
            Collect(problems, () => Kiro.Balancer.BalancerSettings.Read(seen));
        }

        return problems;
    }

    private static void Collect(List<string> problems, Action read)
    {
        try
        {
            read();
        }
        catch (InvalidSettingsException invalid)
        {
            problems.AddRange(invalid.Lines);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
