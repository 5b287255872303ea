using Kiro.ServiceDefaults.Settings;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

public sealed class SettingsReaderTests
{
    [Theory]
    [InlineData("X=text", "text")]
    [InlineData("X=  text with space\t", "text with space")]
    [InlineData("x=text", "text")]
    [InlineData("X=a=b", "a=b")]
    [InlineData("X=", null)]
    [InlineData("X=   ", null)]
    [InlineData("Y=text", null)]
    public void Text_Value_IsTrimmedAndEmptyIsUnset(string pair, string? text) =>
        Assert.Equal(text, new SettingsReader(Settings.Of(pair)).Text("X"));

    [Theory]
    [InlineData("X=1", 1)]
    [InlineData("X=10", 10)]
    [InlineData("X=+5", 5)]
    [InlineData("X= 7 ", 7)]
    [InlineData("X=007", 7)]
    [InlineData("X=", 3)]
    public void WholeNumber_Valid_IsRead(string pair, int value) =>
        Assert.Equal(value, Settings.Read(settings => settings.WholeNumber("X", 3, 1, 10), pair));

    [Theory]
    [InlineData("0")]
    [InlineData("11")]
    [InlineData("-5")]
    [InlineData("5.0")]
    [InlineData("5 5")]
    [InlineData("five")]
    [InlineData("0x5")]
    [InlineData("1,000")]
    [InlineData("99999999999999999999")]
    public void WholeNumber_Invalid_IsOneLine(string value) => Assert.Equal(
        [$"X={value} is not valid: expected a whole number from 1 to 10."],
        Settings.Refusals(settings => settings.WholeNumber("X", 3, 1, 10), "X=" + value));

    [Theory]
    [InlineData("X=0.5", 0.5)]
    [InlineData("X=.5", 0.5)]
    [InlineData("X=10", 10)]
    [InlineData("X=1e1", 10)]
    [InlineData("X=", 3)]
    public void Seconds_Valid_IsRead(string pair, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Settings.Read(settings => settings.Seconds("X", 3, 0.5, 10), pair));

    [Theory]
    [InlineData("0.4")]
    [InlineData("10.1")]
    [InlineData("3s")]
    [InlineData("0,5")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("00:00:03")]
    public void Seconds_Invalid_IsOneLine(string value) => Assert.Equal(
        [$"X={value} is not valid: expected a number from 0.5 to 10."],
        Settings.Refusals(settings => settings.Seconds("X", 3, 0.5, 10), "X=" + value));

    [Fact]
    public void ThrowIfInvalid_SeveralInvalid_HasOneLineEachInOrder()
    {
        var reader = new SettingsReader(Settings.Of("A=x", "B=5", "C=y"));

        // An invalid value reads as the default, so that all of them are reported.
        Assert.Equal(1, reader.WholeNumber("A", 1, 1, 9));
        Assert.Equal(5, reader.WholeNumber("B", 1, 1, 9));
        Assert.Equal(2, reader.Port("C", 2));

        var problem = Assert.Throws<InvalidSettingsException>(reader.ThrowIfInvalid);
        Assert.Equal(
            ["A=x is not valid: expected a whole number from 1 to 9.", "C=y is not valid: expected a whole number from 1 to 65535."], problem.Lines);
        Assert.Equal(string.Join(Environment.NewLine, problem.Lines), problem.Message);
    }

    [Fact]
    public void ThrowIfInvalid_AllValid_DoesNotThrow() => new SettingsReader(Settings.Of()).ThrowIfInvalid();
}
