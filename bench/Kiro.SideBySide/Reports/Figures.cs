using System.Globalization;
using Kiro.SideBySide.Measuring;

namespace Kiro.SideBySide.Reports;

/// <summary>The figures of the tables and their format.</summary>
internal static class Figures
{
    public static readonly Func<Measurement, double> PerSecond = round => round.Load.PerSecond;

    public static readonly Func<Measurement, double> Processor = round => round.ProcessorMicroseconds;

    public static readonly Func<Measurement, double> Median = round => round.Milliseconds(50);

    public static readonly Func<Measurement, double> P99 = round => round.Milliseconds(99);

    public static readonly Func<Measurement, double> P999 = round => round.Milliseconds(99.9);

    public static readonly Func<Measurement, double> PeakMegabytes = round => round.PeakMemory / 1e6;

    public static readonly Func<Measurement, double> ProportionalMegabytes = round => round.ProportionalMemory / 1e6;

    public static readonly Func<Measurement, double> BusyPercent = round => round.Busy * 100;

    /// <summary>Three significant digits.</summary>
    public static string Text(double? value) => value switch
    {
        null => "–",
        >= 99.5 => value.Value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 9.95 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
