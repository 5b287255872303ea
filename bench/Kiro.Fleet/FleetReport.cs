using System.Globalization;
using System.Net;
using System.Text;

namespace Kiro.Fleet;

/// <summary>Writes the findings as a page and a chart.</summary>
internal static class FleetReport
{
    private const int PanelWidth = 440;
    private const int PanelHeight = 150;
    private const int PlotWidth = 360;
    private const int PlotHeight = 80;

    private const string Style = """
        <style>
          text { font: 12px system-ui, sans-serif; fill: #1f2328; }
          .title { font-weight: 600; }
          .wrong { fill: none; stroke: #0969da; stroke-width: 1.5; }
          .axis { stroke: #8c959f; }
          @media (prefers-color-scheme: dark) {
            text { fill: #f0f6fc; }
            .wrong { stroke: #4493f8; }
            .axis { stroke: #6e7681; }
          }
        </style>
        """;

    public static string Markdown(IReadOnlyList<Findings> all, IReadOnlyList<(string What, string Cost)> costs)
    {
        var size = all[0].Size;
        var text = new StringBuilder()
            .Append(null, $"""
            # A fleet, by simulation

            {size.Nodes:N0} nodes, {size.Balancers} balancers, a million clients with {size.RequestsPerSecond:N0} requests a second, on the product's own
            registry, state machine, probe schedule and selection; sockets and time are simulated, with a fixed seed: the same
            numbers every time. `dotnet run -c Release --project bench/Kiro.Fleet`

            A client is on the *wrong* node while its balancer sends it elsewhere than a balancer would that knows of every change
            at once. Moves count each client as often as it moves, as a share of all clients, the mean over the balancers.

            | what happens | must move | moved | wrong, at most | seconds with anybody wrong | balancers disagree, at most | requests that met a dead node first |
            |---|---|---|---|---|---|---|

            """);
        foreach (var found in all)
        {
            text.Append(null, $"| {found.Scenario.Title} | {Percent(found.MustMove)} | {Percent(found.Moved)} | {Percent(found.MaxWrong)} | {found.SecondsWrong} | {Percent(found.MaxSplit)} | {found.DeadSeconds * size.RequestsPerSecond:N0} |\n");
        }

        text.Append("""

            ![Share of clients on another node than theirs, over time](fleet.svg)

            ## What a change costs a balancer

            Measured on this machine, one thread; not the same every time.

            | what | cost |
            |---|---|

            """);
        foreach (var (what, cost) in costs)
        {
            text.Append(null, $"| {what} | {cost} |\n");
        }

        return text.ToString();
    }

    public static string Chart(IReadOnlyList<Findings> all)
    {
        var lines = (all.Count + 1) / 2;
        var svg = new StringBuilder()
            .Append(null, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {2 * PanelWidth} {40 + (lines * PanelHeight)}\" width=\"{2 * PanelWidth}\" role=\"img\">\n")
            .Append("<title>Share of clients on another node than theirs</title>\n").Append(Style)
            .Append("\n<text class=\"title\" x=\"8\" y=\"20\" style=\"font-size:15px\">Share of clients on another node than theirs, over time</text>\n");
        for (var panel = 0; panel < all.Count; panel++)
        {
            svg.Append(null, $"<g transform=\"translate({panel % 2 * PanelWidth} {40 + (panel / 2 * PanelHeight)})\">\n");
            WritePanel(svg, all[panel]);
            svg.Append("</g>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void WritePanel(StringBuilder svg, Findings found)
    {
        var last = found.Seconds.Count - 1;
        var max = Math.Max(found.MaxWrong, 0.001);
        var points = string.Join(' ', found.Seconds.Select((second, at) =>
            $"{Number(56 + (PlotWidth * at / (double)last))},{Number(24 + (PlotHeight * (1 - (second.Wrong / max))))}"));
        svg.Append(null, $"<text class=\"title\" x=\"8\" y=\"14\">{WebUtility.HtmlEncode(found.Scenario.Name)}</text>\n")
            .Append(null, $"<line class=\"axis\" x1=\"56\" x2=\"{56 + PlotWidth}\" y1=\"{24 + PlotHeight}\" y2=\"{24 + PlotHeight}\"/>")
            .Append(null, $"<polyline class=\"wrong\" points=\"{points}\"/>\n")
            .Append(null, $"<text x=\"50\" y=\"32\" text-anchor=\"end\">{Percent(max)}</text><text x=\"50\" y=\"{24 + PlotHeight}\" text-anchor=\"end\">0</text>")
            .Append(null, $"<text x=\"56\" y=\"{40 + PlotHeight}\">0 s</text><text x=\"{56 + PlotWidth}\" y=\"{40 + PlotHeight}\" text-anchor=\"end\">{last} s</text>\n");
    }

    private static string Percent(double fraction) => (fraction * 100).ToString(fraction < 0.1 ? "0.00" : "0.0", CultureInfo.InvariantCulture) + " %";

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
