using Kiro.Cluster.Supervision;
using Kiro.Cluster.Terminal;
using Kiro.Cluster.View;

namespace Kiro.Cluster.Status;

/// <summary><c>status</c>: shows the state of a running cluster, also by the exit code.</summary>
internal static class StatusCommand
{
    /// <summary>Wide enough for output that is read by a program.</summary>
    private const int PipeWidth = 240;

    /// <param name="balancer">The balancer to query.</param>
    /// <param name="options">The command line.</param>
    /// <param name="screen">Whether <c>--watch</c> may use the full screen.</param>
    /// <param name="withProxyHeader">Whether the balancer expects a PROXY protocol header.</param>
    /// <returns><see cref="StatusDocument.ExitCode"/>; 1 without a document.</returns>
    public static async Task<int> RunAsync(Uri balancer, StatusOptions options, bool screen, bool withProxyHeader = false)
    {
        using var client = new StatusClient(balancer, withProxyHeader);
        if (options.Client is not null || options.Key is not null)
        {
            return await ShowRouteAsync(client, options);
        }

        if (options.Watch)
        {
            using var signals = new StopSignals(TimeProvider.System);
            return await new StatusWatch(client, options.Json, screen, TimeProvider.System).RunAsync(signals.Stop);
        }

        var response = await client.AskAsync(CancellationToken.None);
        if (response.Document is not { } status)
        {
            Console.Error.WriteLine($"{client.Address} {response.Problem}.");
            return 1;
        }

        Print(options.Json ? [response.Json] : Lines(status, client.Address, new RequestRates()));
        if (status.Trouble is { } trouble)
        {
            Console.Error.WriteLine($"Not healthy: {trouble}.");
        }

        foreach (var unwell in status.UnwellNodes.GroupBy(node => node.Unwell!, node => node.Node ?? node.Id))
        {
            Console.Error.WriteLine($"{char.ToUpperInvariant(unwell.Key[0])}{unwell.Key[1..]}: {string.Join(", ", unwell)}.");
        }

        return status.ExitCode;
    }

    private static async Task<int> ShowRouteAsync(StatusClient client, StatusOptions options)
    {
        var (route, text, problem) = await client.RouteAsync(options.Client, options.Key, CancellationToken.None);
        if (route is null)
        {
            Console.Error.WriteLine($"{client.Address} {problem}.");
            return 1;
        }

        Print(options.Json ? [text] : [
            $"{route.Name} -> {route.Target}",
            .. (route.Ranking ?? []).Select((node, place) => $"{place + 1,3}. {node.Node ?? node.Id}  {node.State}"),
        ]);
        return 0;
    }

    public static IReadOnlyList<string> Lines(StatusDocument status, string address, RequestRates rates, int? height = null)
    {
        var terminal = TerminalKind.Current;
        var view = StatusView.Of(status, string.Join("   ", ((string?[])[address, StatusView.Route(status)]).OfType<string>()), rates);
        return new Frame(terminal.IsTerminal ? TerminalSize.Now().Width : PipeWidth, height, terminal.Colour).Of(view);
    }

    public static void Print(IReadOnlyList<string> lines)
    {
        Console.Out.Write(string.Concat(lines.Select(line => line.TrimEnd() + Environment.NewLine)));
        Console.Out.Flush();
    }
}

/// <summary>The command line of <c>status</c>.</summary>
/// <param name="Url"><c>--url</c>: the balancer; null for the local one.</param>
/// <param name="Watch"><c>--watch</c>: refreshes every 2 s.</param>
/// <param name="Json"><c>--json</c>: prints the raw response.</param>
/// <param name="Client"><c>--client</c>: show the node of this client instead of the status.</param>
/// <param name="Key"><c>--key</c>: the same by cookie or header value.</param>
internal sealed record StatusOptions(Uri? Url, bool Watch, bool Json, string? Client = null, string? Key = null);
