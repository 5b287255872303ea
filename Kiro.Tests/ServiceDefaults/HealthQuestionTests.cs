using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

public sealed class HealthQuestionTests
{
    private readonly Dictionary<string, string> _variables = new()
    {
        ["PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
        ["BALANCER_PORT"] = FreePort.Next().ToString(CultureInfo.InvariantCulture),
        ["DRAIN_DELAY"] = "3600",
    };

    [Theory]
    [InlineData("Kiro.Api")]
    [InlineData("Kiro.Balancer")]
    public async Task Ask_NobodyThere_EndsWithOne(string program)
    {
        await using var question = new ServiceProcess(program, _variables, "--health");

        Assert.Equal(1, await question.ExitCode());
        Assert.Contains("refused", question.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_ServiceServesThenDrains_EndsWithZeroThenOne()
    {
        await using var service = new ServiceProcess("Kiro.Api", _variables);
        await Eventually.BeTrue(() => service.Output.Contains("serves on port", StringComparison.Ordinal), "the service serves");

        // A busy machine may not answer within the question's patience.
        await Eventually.BeTrue(async () => await AskAsync("--health", "\"status\":\"ok\"") == (0, true), "it is well");
        Assert.Equal((0, true), await AskAsync("--alive", "alive"));

        service.Signal("TERM");
        await Eventually.BeTrue(async () => await AskAsync("--health", "\"status\":\"draining\"") == (1, true), "it drains");
        Assert.Equal((0, true), await AskAsync("--alive", "alive"));
    }

    private async Task<(int Code, bool Says)> AskAsync(string question, string words)
    {
        await using var process = new ServiceProcess("Kiro.Api", _variables, question);
        var code = await process.ExitCode();
        return (code, process.Output.Contains(words, StringComparison.Ordinal));
    }
}
