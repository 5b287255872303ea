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
        // A busy machine may not even refuse within the question's patience.
        await Eventually.BeTrue(async () => await AskAsync(program, "--health", "refused") == (1, true), "it is refused");
    }

    [Fact]
    public async Task Ask_ServiceServesThenDrains_EndsWithZeroThenOne()
    {
        await using var service = new ServiceProcess("Kiro.Api", _variables);
        await Eventually.BeTrue(() => service.Output.Contains("is listening on port", StringComparison.Ordinal), "the service serves");

        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--health", "\"status\":\"ok\"") == (0, true), "it is well");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--alive", "alive") == (0, true), "it lives");

        service.Signal("TERM");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--health", "\"status\":\"draining\"") == (1, true), "it drains");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--alive", "alive") == (0, true), "it lives");
    }

    private async Task<(int Code, bool Says)> AskAsync(string program, string question, string words)
    {
        await using var process = new ServiceProcess(program, _variables, question);
        var code = await process.ExitCode();
        return (code, process.Output.Contains(words, StringComparison.Ordinal));
    }
}
