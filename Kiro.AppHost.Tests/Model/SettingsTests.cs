using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("INSTANCE_COUNT", "0")]
    [InlineData("SPARE_COUNT", "many")]
    [InlineData("START_PORT", "65533")]
    [InlineData("BALANCER_PORT", "13005")]
    public async Task Start_WithABadValue_IsOneClearLine(string name, string value)
    {
        var (code, output) = await Publisher.RunAsync("--START_PORT=13004", "--BALANCER_PORT=13003", $"--INSTANCE_COUNT=5", $"--{name}={value}");

        Assert.Equal(1, code);
        var line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"{name}={value}", line, StringComparison.Ordinal);
    }
}
