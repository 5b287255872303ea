using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;

namespace Kiro.Balancer.Admin;

/// <summary>Puts what was counted into the words of the contract.</summary>
internal static class TrafficReport
{
    public static TrafficStatus Of(TrafficReading traffic, long retries, long connects) => new()
    {
        Responses = new ResponseClasses(
            traffic.Total.OfClass(1), traffic.Total.OfClass(2), traffic.Total.OfClass(3), traffic.Total.OfClass(4), traffic.Total.OfClass(5)),
        Last10Seconds = Span(traffic.Last10Seconds),
        Last5Minutes = Span(traffic.Last5Minutes),
        BytesIn = traffic.Total.Sent,
        BytesOut = traffic.Total.Received,
        Retries = retries,
        Connects = connects,
    };

    public static HistoryResponse History(TrafficReading traffic) => new()
    {
        PeriodSeconds = TrafficHistory.PointSeconds,
        End = traffic.PointAt,
        RequestsPerSecond = [.. traffic.Points.Select(point => PerSecond(point.Responses))],
        ErrorsPerSecond = [.. traffic.Points.Select(point => PerSecond(point.Errors))],
        P99Ms = [.. traffic.Points.Select(point => Milliseconds(point.P99))],
    };

    public static double PerSecond(long count) => Math.Round(count / (double)TrafficHistory.PointSeconds, 1);

    private static TrafficSpan Span(TrafficCounts counts) => new(
        counts.Responses, counts.Errors,
        Milliseconds(counts.Quantile(0.5)), Milliseconds(counts.Quantile(0.9)), Milliseconds(counts.Quantile(0.99)));

    private static double? Milliseconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalMilliseconds, 1) : null;
}
