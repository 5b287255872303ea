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
    public async Task Ask_NothingListens_ExitsWithOne(string program)
    {
        // On a busy machine, even the refusal may come after the timeout.
        await Eventually.BeTrue(async () => await AskAsync(program, "--health", "refused") == (1, true), "the connection is refused");
    }

    [Fact]
    public async Task Ask_ServiceServesThenDrains_ExitsWithZeroThenOne()
    {
        await using var service = new ServiceProcess("Kiro.Api", _variables);
        await Eventually.BeTrue(() => service.Output.Contains("is listening on port", StringComparison.Ordinal), "the service listens");

        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--health", "\"status\":\"ok\"") == (0, true), "the service is healthy");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--alive", "alive") == (0, true), "the service is alive");

        service.Signal("TERM");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--health", "\"status\":\"draining\"") == (1, true), "the service is draining");
        await Eventually.BeTrue(async () => await AskAsync("Kiro.Api", "--alive", "alive") == (0, true), "the service is alive");
    }

    private async Task<(int Code, bool HasText)> AskAsync(string program, string option, string text)
    {
        await using var process = new ServiceProcess(program, _variables, option);
        var code = await process.ExitCode();
        return (code, process.Output.Contains(text, StringComparison.Ordinal));
    }
}
