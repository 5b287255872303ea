using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>One figure of all scenarios, relative to the reference.</summary>
internal static class RatioTable
{
    public static TextTable Of(IReadOnlyList<ScenarioResult> results, Func<Measurement, double> figure)
    {
        var table = new TextTable([.. results.Select(result => result.Scenario.Name).Prepend("proxy")]);
        for (var proxy = 0; proxy < results[0].Rows.Count; proxy++)
        {
            var rows = results.Select(result => (result.Rows[proxy], result.Reference));
            table.Add([results[0].Rows[proxy].Proxy.Title, .. rows.Select(row => Figures.Text(row.Item1.Ratio(row.Reference, figure)))]);
        }

        return table;
    }
}
