using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Ledger;

/// <summary>How the route ledger is written.</summary>
/// <param name="Interval"><c>LEDGER_INTERVAL</c>: time between two flushes, 0.05 to 3600 s, default 1 s.</param>
internal sealed record LedgerOptions(TimeSpan Interval)
{
    public static LedgerOptions Read(SettingsReader settings) => new(settings.Seconds("LEDGER_INTERVAL", 1, 0.05, 3600));
}
