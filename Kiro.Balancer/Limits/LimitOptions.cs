using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>What one client may use. A client is what is hashed: an address, or the /64 of IPv6.</summary>
/// <param name="ConnectionsPerClient"><c>LIMIT_CONNECTIONS_PER_CLIENT</c>: 0 (the default) for no limit.</param>
/// <param name="RequestsPerSecond"><c>LIMIT_REQUESTS_PER_SECOND</c>: in the long run, fractions allowed; 0 (the default) for no
/// limit.</param>
/// <param name="Burst"><c>LIMIT_BURST</c>: in a row, by default twice the rate and at least 1.</param>
internal sealed record LimitOptions(int ConnectionsPerClient, double RequestsPerSecond, int Burst)
{
    private const string BurstVariable = "LIMIT_BURST";
    private const int Max = 1_000_000;

    public static LimitOptions Read(SettingsReader settings)
    {
        var connections = settings.WholeNumber("LIMIT_CONNECTIONS_PER_CLIENT", 0, 0, Max);
        var rate = settings.Number("LIMIT_REQUESTS_PER_SECOND", 0, 0, Max);
        if (rate == 0 && settings.Text(BurstVariable) is not null)
        {
            settings.Warn($"{BurstVariable} is not used: LIMIT_REQUESTS_PER_SECOND is 0, which means no limit.");
        }

        return new LimitOptions(
            connections, rate, settings.WholeNumber(BurstVariable, (int)Math.Clamp(Math.Ceiling(rate * 2), 1, Max), 1, Max));
    }
}
