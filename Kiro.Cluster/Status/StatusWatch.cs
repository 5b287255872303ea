using System.Globalization;
using Kiro.Cluster.Terminal;
using Kiro.Cluster.View;

namespace Kiro.Cluster.Status;

/// <summary><c>status --watch</c>: refreshes every 2 s, and marks old figures if there is no response.</summary>
/// <param name="client">The status client.</param>
/// <param name="json">Print the raw responses, one per line.</param>
/// <param name="screen">Use the full screen instead of printing one table after another.</param>
/// <param name="time">The clock.</param>
internal sealed class StatusWatch(StatusClient client, bool json, bool screen, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly RequestRates _rates = new();
    private readonly Screen _screen = new(Console.Out);
    private StatusDocument? _last;
    private DateTimeOffset _responded;

    /// <returns>The exit code of the last response.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        IReadOnlyList<string> shown = [];
        var exitCode = 1;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                var response = await client.AskAsync(stop);
                exitCode = response.Document?.ExitCode ?? 1;
                shown = Take(response);
                if (screen && !json)
                {
                    _screen.Paint(shown);
                }
                else
                {
                    StatusCommand.Print(shown);
                }

                await Task.Delay(Interval, time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        finally
        {
            if (screen && !json)
            {
                _screen.Close(shown);
            }
        }

        return exitCode;
    }

    private IReadOnlyList<string> Take(StatusResponse response)
    {
        if (response.Document is { } status)
        {
            (_last, _responded) = (status, time.GetLocalNow());
            _rates.Note(status);
            return json ? [response.Json] : screen ? Table(status, []) : [.. Table(status, []), ""];
        }

        var lost = $"connection lost, retrying: {client.Address} {response.Problem}";
        if (json || !screen)
        {
            // With --json, standard output is for responses only.
            (json ? Console.Error : Console.Out).WriteLine(lost);
            return [];
        }

        return _last is null
            ? [Words.Cut(lost, TerminalSize.Now().Width)]
            : Table(_last, [lost, string.Create(CultureInfo.InvariantCulture, $"The table is from {_responded:HH:mm:ss}.")]);
    }

    private IReadOnlyList<string> Table(StatusDocument status, IEnumerable<string> more) => StatusCommand.Lines(
        status with { Warnings = [.. more, .. status.Warnings ?? []] }, client.Address, _rates, screen ? TerminalSize.Now().Height : null);
}
