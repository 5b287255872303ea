using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>The results of one scenario.</summary>
internal sealed record ScenarioResult(Scenario Scenario, IReadOnlyList<Row> Rows)
{
    /// <summary>The reference for ratios; null if it was not measured.</summary>
    public Row? Reference => Of(AllProxies.Reference);

    public Row? Of(string proxy) => Rows.FirstOrDefault(row => row.Proxy.Name == proxy && row.IsMeasured);
}
