using System.Globalization;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>Which requests are logged.</summary>
/// <param name="Fraction"><c>ACCESS_LOG</c>: <c>off</c> (the default), <c>on</c>, or the fraction of requests (0 to 1) that is sampled at
/// random.</param>
internal sealed record AccessLogOptions(double Fraction)
{
    private const string Variable = "ACCESS_LOG";

    /// <summary>Whether to log the next request.</summary>
    public bool ShouldLog() => Fraction >= 1 || (Fraction > 0 && Random.Shared.NextDouble() < Fraction);

    public static AccessLogOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, "off");
        switch (text.ToLowerInvariant())
        {
            case "off":
                return new AccessLogOptions(0);
            case "on":
                return new AccessLogOptions(1);
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction) && fraction is >= 0 and <= 1)
        {
            return new AccessLogOptions(fraction);
        }

        settings.Reject(Variable, text, "off, on, or a fraction of the requests from 0 to 1, such as 0.01");
        return new AccessLogOptions(0);
    }
}
