using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>Limits per client and per request. A client is an IPv4 address or an IPv6 /64.</summary>
/// <param name="ConnectionsPerClient"><c>LIMIT_CONNECTIONS_PER_CLIENT</c>: 0, the default, for no limit.</param>
/// <param name="RequestsPerSecond"><c>LIMIT_REQUESTS_PER_SECOND</c>: the sustained rate, may be fractional; 0, the default, for no limit.</param>
/// <param name="Burst"><c>LIMIT_BURST</c>: the burst size, by default twice the rate, and at least 1.</param>
/// <param name="MaxHead"><c>LIMIT_REQUEST_HEAD</c>: bytes of a request head, 4096 to 65536, default 32768.</param>
/// <param name="MaxBody"><c>LIMIT_REQUEST_BODY</c>: bytes of a request body, without chunk framing; 0, the default, for no limit.</param>
internal sealed record LimitOptions(int ConnectionsPerClient, double RequestsPerSecond, int Burst, int MaxHead, long MaxBody)
{
    private const long MaxBytes = 1_000_000_000_000_000;

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
            connections, rate, settings.WholeNumber(BurstVariable, (int)Math.Clamp(Math.Ceiling(rate * 2), 1, Max), 1, Max),
            settings.WholeNumber("LIMIT_REQUEST_HEAD", 32 * 1024, 4 * 1024, 64 * 1024),
            settings.WholeNumber("LIMIT_REQUEST_BODY", 0L, 0, MaxBytes));
    }
}
