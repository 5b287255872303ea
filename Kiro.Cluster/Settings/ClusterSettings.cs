using System.Globalization;
using System.Net;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Health;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>The runner's settings.</summary>
/// <param name="InstanceCount"><c>INSTANCE_COUNT</c>: 1 to 100, default 5.</param>
/// <param name="StartPort"><c>START_PORT</c>: port of the first instance, default 13004; the others use the following ports.</param>
/// <param name="BalancerPort"><c>BALANCER_PORT</c>: default 13003; null if the balancer is not started.</param>
/// <param name="Pages">The address of the balancer's pages, from <c>ADMIN_LISTEN</c>; null if that is unset.</param>
/// <param name="WithProxyHeader">Whether the balancer expects a PROXY protocol header from this machine.</param>
internal sealed record ClusterSettings(int InstanceCount, int StartPort, int? BalancerPort, Uri? Pages = null, bool WithProxyHeader = false)
{
    public const int DefaultStartPort = 13004;

    /// <summary>The runner's own variables.</summary>
    public static readonly IReadOnlyList<string> Names = ["INSTANCE_COUNT", "START_PORT", "BALANCER_PORT"];

    private int LastPort => StartPort + InstanceCount - 1;

    /// <summary>Reads the runner's settings, and validates those of the services it starts.</summary>
    /// <exception cref="InvalidSettingsException">One line per invalid value.</exception>
    public static ClusterSettings Read(IConfiguration configuration, RunnerArguments arguments)
    {
        var reader = new SettingsReader(configuration);
        var count = reader.WholeNumber("INSTANCE_COUNT", 5, 1, 100);
        var start = reader.Port("START_PORT", DefaultStartPort);
        var balancer = reader.Port("BALANCER_PORT", 13003);
        var settings = new ClusterSettings(count, start, arguments.Balancer ? balancer : null, PagesOf(reader), NeedsHeader(configuration));
        settings.RejectPortsThatDoNotFit(reader);

        var problems = ServiceSettings.Problems(configuration, settings);
        try
        {
            reader.ThrowIfInvalid();
        }
        catch (InvalidSettingsException own)
        {
            problems = [.. own.Lines, .. problems];
        }

        return problems.Count == 0 ? settings : throw new InvalidSettingsException([.. problems.DistinctBy(Setting)]);

        // Both services may report the same variable with different messages.
        static string Setting(string line) => line.Split(" is not valid", 2)[0];
    }

    /// <summary>The address of the local balancer's pages, and whether it expects a PROXY protocol header there.</summary>
    /// <exception cref="InvalidSettingsException"><c>BALANCER_PORT</c> or <c>ADMIN_LISTEN</c> is invalid.</exception>
    public static (Uri Address, bool NeedsHeader) BalancerAddress(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var (port, pages) = (reader.Port("BALANCER_PORT", 13003), PagesOf(reader));
        reader.ThrowIfInvalid();
        // Not "localhost", which may try IPv6 first and wait.
        return (pages ?? new Uri($"http://127.0.0.1:{port}"), pages is null && NeedsHeader(configuration));
    }

    private static bool NeedsHeader(IConfiguration configuration) => LocalConnections.NeedProxyHeader(configuration, IPAddress.Loopback);

    private static Uri? PagesOf(SettingsReader reader) => AdminListener.Read(reader).EndPoint switch
    {
        null => null,
        { Address: var address } door when address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) => new Uri($"http://127.0.0.1:{door.Port}"),
        var door => new Uri($"http://{door}"),
    };

    private void RejectPortsThatDoNotFit(SettingsReader reader)
    {
        if (LastPort > 65535)
        {
            reader.Reject("START_PORT", $"{StartPort}",
                $"at most {65536 - InstanceCount}, because {InstanceCount} instances need as many consecutive ports");
        }
        else if (BalancerPort >= StartPort && BalancerPort <= LastPort)
        {
            reader.Reject("BALANCER_PORT", $"{BalancerPort}",
                $"a port outside of {StartPort} to {LastPort}, which the instances use");
        }
    }
}

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
