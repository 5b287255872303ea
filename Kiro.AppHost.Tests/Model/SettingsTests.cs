using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("INSTANCE_COUNT", "0")]
    [InlineData("SPARE_COUNT", "many")]
    [InlineData("START_PORT", "65533")]
    [InlineData("BALANCER_PORT", "13005")]
    public async Task Start_InvalidValue_IsOneLine(string name, string value)
    {
        var (code, output) = await Publisher.RunAsync("--START_PORT=13004", "--BALANCER_PORT=13003", $"--INSTANCE_COUNT=5", $"--{name}={value}");

        Assert.Equal(1, code);
        var line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"{name}={value}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_InvalidValueInTheFile_IsOneLine()
    {
        var folder = Directory.CreateTempSubdirectory("kiro-settings-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, ".env"), "SPARE_COUNT=many\n", TestContext.Current.CancellationToken);

        var (code, output) = await Publisher.RunInAsync(folder);
        Directory.Delete(folder, recursive: true);

        Assert.Equal(1, code);
        Assert.StartsWith("SPARE_COUNT=many", output, StringComparison.Ordinal);
    }
}
