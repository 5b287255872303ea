using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Selection;

/// <summary>Reasons to give a client another node than its first, although that one is up. Both are off by default.</summary>
/// <param name="BalanceFactor"><c>HASH_BALANCE_FACTOR</c>, in percent, 101 to 1000, default 0 (off): a node that has this much of
/// its fair share of the requests under way leaves further ones to the next in their ranking. Sensible from 125 to 200.</param>
/// <param name="SlowStart"><c>SLOW_START</c>: how long the clients of a node that comes back take to come home, 0 to 3600 s,
/// default 0 (at once).</param>
internal sealed record SelectionOptions(int BalanceFactor, TimeSpan SlowStart)
{
    public static SelectionOptions Off { get; } = new(0, TimeSpan.Zero);

    public static SelectionOptions Read(SettingsReader settings)
    {
        const string Factor = "HASH_BALANCE_FACTOR";
        var factor = settings.WholeNumber(Factor, 0, 0, 1000);
        if (factor is > 0 and <= 100)
        {
            settings.Reject(Factor, settings.Text(Factor)!, "0 (off) or a percentage from 101 to 1000");
        }

        return new SelectionOptions(factor, settings.Seconds("SLOW_START", 0, 0, 3600));
    }
}
