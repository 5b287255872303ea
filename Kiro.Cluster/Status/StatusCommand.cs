using Kiro.Cluster.Supervision;
using Kiro.Cluster.Terminal;
using Kiro.Cluster.View;

namespace Kiro.Cluster.Status;

/// <summary><c>status</c>: shows how a running cluster is, and says it with the exit code.</summary>
internal static class StatusCommand
{
    /// <summary>For reading by a program: as wide as it takes.</summary>
    private const int PipeWidth = 240;

    /// <param name="balancer">Which balancer to ask.</param>
    /// <param name="options">The command line.</param>
    /// <param name="screen">Whether a watch may paint over the terminal.</param>
    /// <returns>0 when the cluster is healthy, as <see cref="StatusDocument.Trouble"/> means it; else 1.</returns>
    public static async Task<int> RunAsync(Uri balancer, StatusOptions options, bool screen)
    {
        using var client = new StatusClient(balancer);
        if (options.Watch)
        {
            using var signals = new StopSignals(TimeProvider.System);
            return await new StatusWatch(client, options.Json, screen, TimeProvider.System).RunAsync(signals.Stop);
        }

        var answer = await client.AskAsync(CancellationToken.None);
        if (answer.Document is not { } status)
        {
            Console.Error.WriteLine($"{client.Address} {answer.Problem}.");
            return 1;
        }

        Print(options.Json ? [answer.Json] : Lines(status, client.Address, new RequestRates()));
        if (status.Trouble is { } trouble)
        {
            Console.Error.WriteLine($"Not healthy: {trouble}.");
        }

        return status.Trouble is null ? 0 : 1;
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
