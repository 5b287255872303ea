using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Passive;

/// <summary>
/// Ejects backends that respond to half of their requests with an error (5xx) while the others do not. The usual rules of ejection
/// apply: never more than half of the backends. Off by default (<c>EJECT_ERRORS</c>), as requests may cause the errors.
/// </summary>
internal sealed class ErrorWatch(Reloadable<ErrorWatchOptions> options, TrafficWatch traffic, BackendRegistry registry) : IHostedService
{
    private const double MaxErrorShare = 0.5;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        traffic.Sampled += Check;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        traffic.Sampled -= Check;
        return Task.CompletedTask;
    }

    private void Check()
    {
        if (!options.Value.Ejects)
        {
            return;
        }

        var nodes = registry.Current.Backends.Select(known => (known.Backend, Counts: traffic.Of(known.Backend).Last10Seconds.ResponseCounts)).ToList();
        var all = nodes.Aggregate(default(ResponseCounts), (sum, node) => sum + node.Counts);
        foreach (var (backend, counts) in nodes)
        {
            // Without other backends' responses to compare with, it may not be the backend's fault.
            var others = all - counts;
            if (others.Responses >= Outliers.MinResponses && Outliers.IsOutlier(counts, others, MaxErrorShare))
            {
                registry.Eject(backend, string.Create(CultureInfo.InvariantCulture, $"{100 * counts.ErrorShare:0} % of {counts.Responses} responses in 10 s were errors (5xx)"));
            }
        }
    }
}

/// <summary>Whether error responses eject backends.</summary>
/// <param name="Ejects"><c>EJECT_ERRORS</c>: <c>off</c> (the default) or <c>on</c>.</param>
internal sealed record ErrorWatchOptions(bool Ejects)
{
    private const string Variable = "EJECT_ERRORS";

    public static ErrorWatchOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable) ?? "off";
        if (text is not ("on" or "off"))
        {
            settings.Reject(Variable, text, "on or off");
        }

        return new ErrorWatchOptions(text == "on");
    }
}
