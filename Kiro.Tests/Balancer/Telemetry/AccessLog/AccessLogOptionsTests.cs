using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Cluster;

namespace Kiro.Tests.Balancer.Telemetry.AccessLog;

public class AccessLogOptionsTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("ACCESS_LOG=off", 0)]
    [InlineData("ACCESS_LOG=On", 1)]
    [InlineData("ACCESS_LOG=1", 1)]
    [InlineData("ACCESS_LOG=0.25", 0.25)]
    public void Read_ValueThatFits_IsTaken(string variables, double fraction) =>
        Assert.Equal(fraction, AccessLogOptions.Read(new SettingsReader(Variables.Of(variables))).Fraction);

    [Theory]
    [InlineData("yes")]
    [InlineData("1.5")]
    [InlineData("-0.1")]
    [InlineData("NaN")]
    [InlineData("0,5")]
    public void Read_ValueThatDoesNotFit_IsOneLine(string value)
    {
        var settings = new SettingsReader(Variables.Of($"ACCESS_LOG={value}"));
        AccessLogOptions.Read(settings);

        var invalid = Assert.Throws<InvalidSettingsException>(settings.ThrowIfInvalid);
        Assert.Equal([$"ACCESS_LOG={value} is not valid: expected off, on, or a fraction of the requests from 0 to 1, such as 0.01."], invalid.Lines);
    }
}
