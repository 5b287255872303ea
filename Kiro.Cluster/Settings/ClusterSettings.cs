using System.Net;
using Kiro.Balancer.Listening;
using Kiro.ServiceDefaults.Health;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>What the runner starts.</summary>
/// <param name="InstanceCount"><c>INSTANCE_COUNT</c>: 1 to 100, default 5.</param>
/// <param name="StartPort"><c>START_PORT</c>: port of the first instance, default 13004; the others follow.</param>
/// <param name="BalancerPort"><c>BALANCER_PORT</c>: default 13003; null when the balancer is not started.</param>
/// <param name="Pages">Where the balancer's pages are: <c>ADMIN_LISTEN</c>; null when that is unset.</param>
/// <param name="WithProxyHeader">Whether the balancer wants a header of the PROXY protocol from this machine.</param>
internal sealed record ClusterSettings(int InstanceCount, int StartPort, int? BalancerPort, Uri? Pages = null, bool WithProxyHeader = false)
{
    public const int DefaultStartPort = 13004;

    /// <summary>The variables of the runner itself.</summary>
    public static readonly IReadOnlyList<string> Names = ["INSTANCE_COUNT", "START_PORT", "BALANCER_PORT"];

    private int LastPort => StartPort + InstanceCount - 1;

    /// <summary>Reads the runner's settings, and looks at those of the services it is going to start.</summary>
    /// <exception cref="InvalidSettingsException">One line for each value that cannot be used.</exception>
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

        // Both services may read a variable, and tell in other words what is wrong with it.
        static string Setting(string line) => line.Split(" is not valid", 2)[0];
    }

    /// <summary>Where the balancer of this machine has its pages, and whether it wants a header of the PROXY protocol there.</summary>
    /// <exception cref="InvalidSettingsException"><c>BALANCER_PORT</c> or <c>ADMIN_LISTEN</c> cannot be used.</exception>
    public static (Uri Address, bool NeedsHeader) BalancerAddress(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var (port, pages) = (reader.Port("BALANCER_PORT", 13003), PagesOf(reader));
        reader.ThrowIfInvalid();
        // Not "localhost": that may try IPv6 first and wait.
        return (pages ?? new Uri($"http://127.0.0.1:{port}"), pages is null && NeedsHeader(configuration));
    }

    private static bool NeedsHeader(IConfiguration configuration) => OwnConnections.NeedHeader(configuration, IPAddress.Loopback);

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
                $"at most {65536 - InstanceCount}, for {InstanceCount} instances need as many ports in a row");
        }
        else if (BalancerPort >= StartPort && BalancerPort <= LastPort)
        {
            reader.Reject("BALANCER_PORT", $"{BalancerPort}",
                $"a port outside of {StartPort} to {LastPort}, which the instances use");
        }
    }
}
