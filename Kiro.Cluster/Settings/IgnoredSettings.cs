using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>
/// Variables that would make the balancer use other nodes than the runner's instances.
/// </summary>
/// <param name="Emptied">Set to an empty value for the balancer, which counts as unset and overrides a <c>.env</c> file.</param>
/// <param name="Removed">Removed from the balancer's environment, because service discovery accepts even an empty value as an address.</param>
/// <param name="Named">Those set by the user, for the message.</param>
internal sealed record IgnoredSettings(
    IReadOnlyList<string> Emptied, IReadOnlyList<string> Removed, IReadOnlyList<string> Named)
{
    private const string ServiceDiscovery = "services:api";
    private static readonly string[] Modes = ["BACKEND_HOSTS", "BACKEND_DNS"];

    public static IgnoredSettings Find(IConfiguration configuration, ClusterSettings settings)
    {
        if (settings.BalancerPort is null)
        {
            return new IgnoredSettings([], [], []);
        }

        var addresses = configuration.GetSection(ServiceDiscovery).AsEnumerable()
            .Where(setting => setting.Value is not null)
            .Select(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .ToArray();
        return new IgnoredSettings(Modes, addresses,
        [
            .. Modes.Where(name => !string.IsNullOrWhiteSpace(configuration[name])),
            .. OtherThan("BACKEND_START_PORT", settings.StartPort),
            .. OtherThan("BACKEND_COUNT", settings.InstanceCount),
            .. addresses,
        ]);

        IEnumerable<string> OtherThan(string name, int ours) =>
            configuration[name]?.Trim() is { Length: > 0 } value && value != ours.ToString(CultureInfo.InvariantCulture) ? [name] : [];
    }
}
