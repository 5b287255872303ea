using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>One scenario's figures, absolute and in parts of the reference's.</summary>
internal static class ScenarioTable
{
    public static TextTable Of(ScenarioResult result)
    {
        var table = new TextTable("proxy", "µs processor/request", "× nginx", "its range", "requests/s", "× nginx", "p50 ms", "p99 ms", "p99.9 ms", "peak MB", "PSS MB", "core busy %", "note");
        foreach (var row in result.Rows)
        {
            table.Add(
                row.Proxy.Title,
                Figures.Text(row.Typical(Figures.Processor)),
                Figures.Text(row.Ratio(result.Reference, Figures.Processor)),
                Range(row, result.Reference),
                Figures.Text(row.Typical(Figures.PerSecond)),
                Figures.Text(row.Ratio(result.Reference, Figures.PerSecond)),
                Figures.Text(row.Typical(Figures.Median)),
                Figures.Text(row.Typical(Figures.P99)),
                Figures.Text(row.Typical(Figures.P999)),
                Figures.Text(row.Typical(Figures.PeakMegabytes)),
                Figures.Text(row.Typical(Figures.ProportionalMegabytes)),
                Figures.Text(row.Typical(Figures.BusyPercent)),
                row.Note);
        }

        return table;
    }

    private static string Range(Row row, Row? reference)
    {
        var ratios = reference is null ? [] : row.Ratios(reference, Figures.Processor);
        return ratios.Count == 0 ? "–" : $"{Figures.Text(ratios.Min())} … {Figures.Text(ratios.Max())}";
    }
}
