using System.Globalization;
using System.Net;
using System.Text;
using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>
/// CPU time per request relative to nginx: a panel for each scenario, a bar for each proxy. Supports light and dark
/// themes.
/// </summary>
internal static class BarChart
{
    private const int PanelWidth = 440;
    private const int BarHeight = 20;
    private const int LabelWidth = 150;
    private const int BarWidth = 220;
    private const int Top = 40;

    private const string Style = """
        <style>
          text { font: 12px system-ui, sans-serif; fill: #1f2328; }
          .title { font-weight: 600; }
          .bar { fill: #8c959f; }
          .own { fill: #0969da; }
          .one { stroke: #59636e; stroke-dasharray: 2 3; }
          @media (prefers-color-scheme: dark) {
            text { fill: #f0f6fc; }
            .bar { fill: #6e7681; }
            .own { fill: #4493f8; }
            .one { stroke: #9198a1; }
          }
        </style>
        """;

    public static string Write(IReadOnlyList<ScenarioResult> results)
    {
        var panelHeight = (results[0].Rows.Count * BarHeight) + 48;
        var lines = (results.Count + 1) / 2;
        var svg = new StringBuilder()
            .Append(null, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {2 * PanelWidth} {Top + (lines * panelHeight)}\" width=\"{2 * PanelWidth}\" role=\"img\">\n")
            .Append("<title>Processor time per request, nginx = 1</title>\n").Append(Style)
            .Append("\n<text class=\"title\" x=\"8\" y=\"20\" style=\"font-size:15px\">Processor time per request, nginx = 1 (less is better)</text>\n");
        for (var panel = 0; panel < results.Count; panel++)
        {
            svg.Append(null, $"<g transform=\"translate({panel % 2 * PanelWidth} {Top + (panel / 2 * panelHeight)})\">\n");
            WritePanel(svg, results[panel]);
            svg.Append("</g>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void WritePanel(StringBuilder svg, ScenarioResult result)
    {
        var ratios = result.Rows.Select(row => row.Ratio(result.Reference, Figures.Processor)).ToArray();
        var scale = BarWidth / Math.Max(1, ratios.Max() ?? 1);
        svg.Append(null, $"<text class=\"title\" x=\"8\" y=\"16\">{WebUtility.HtmlEncode(result.Scenario.Title)}</text>\n");
        for (var row = 0; row < ratios.Length; row++)
        {
            var y = 26 + (row * BarHeight);
            var width = Number((ratios[row] ?? 0) * scale);
            var kind = result.Rows[row].Proxy.Name == "kiro" ? "bar own" : "bar";
            svg.Append(null, $"<text x=\"{LabelWidth - 8}\" y=\"{y + 12}\" text-anchor=\"end\">{WebUtility.HtmlEncode(result.Rows[row].Proxy.Title)}</text>")
                .Append(null, $"<rect class=\"{kind}\" x=\"{LabelWidth}\" y=\"{y}\" width=\"{width}\" height=\"{BarHeight - 5}\" rx=\"2\"/>")
                .Append(null, $"<text x=\"{Number(LabelWidth + 6 + ((ratios[row] ?? 0) * scale))}\" y=\"{y + 12}\">{Figures.Text(ratios[row])}{(result.Rows[row].Note.Length > 0 ? " (!)" : "")}</text>\n");
        }

        var one = Number(LabelWidth + scale);
        svg.Append(null, $"<line class=\"one\" x1=\"{one}\" x2=\"{one}\" y1=\"24\" y2=\"{26 + (ratios.Length * BarHeight)}\"/>\n");
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
