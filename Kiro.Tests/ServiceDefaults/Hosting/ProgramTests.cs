using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults.Hosting;

/// <summary>Command line, startup and shutdown of both programs.</summary>
public sealed partial class ProgramTests
{
    [Theory]
    [InlineData("Kiro.Balancer", "--help", "BALANCER_PORT is the port")]
    [InlineData("Kiro.Api", "-h", "PORT is the port")]
    [InlineData("Kiro.Balancer", "--version", "0.")]
    [InlineData("Kiro.Api", "--version", "0.")]
    public async Task HelpAndVersion_Asked_ArePrintedAndExitWithZero(string program, string argument, string words)
    {
        var (code, output) = await RunAsync(program, [], argument);

        Assert.Equal(0, code);
        Assert.Contains(words, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--helpme", "Unknown argument: --helpme. See --help.")]
    [InlineData("serve", "Unknown argument: serve. See --help.")]
    [InlineData("--BACKEND_HOST=a:1", "Unknown argument: --BACKEND_HOST=a:1. Did you mean --BACKEND_HOSTS=…? See --help.")]
    public async Task Argument_Unknown_IsOneLineAndExitsWithOne(string argument, string line)
    {
        var (code, output) = await RunAsync("Kiro.Balancer", [], argument);

        Assert.Equal((1, line), (code, output.Trim()));
    }

    [Fact]
    public async Task Check_ValidSettings_PrintsThemWithTheirSources()
    {
        var folder = Directory.CreateTempSubdirectory("kiro-test-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, ".env"), "HEALTH_FALL=4\nHEALTH_RISE=7\nMYSQL_HOST=db\n", TestContext.Current.CancellationToken);
        await using var process = new ServiceProcess(
            folder, [], "Kiro.Balancer",
            new Dictionary<string, string> { ["HEALTH_RISE"] = "3", ["ADMIN_TOKEN"] = "short-secret", ["HEALTH_INTERVALL"] = "5" },
            "--check", "--BALANCER_PORT=13999");

        Assert.Equal(0, await process.ExitCode());

        Assert.Matches("(?m)^HEALTH_FALL +4 +/.*/\\.env, line 1$", process.Output);
        Assert.Matches("(?m)^HEALTH_RISE +3 +environment$", process.Output);
        Assert.Matches("(?m)^BALANCER_PORT +13999 +command line$", process.Output);
        Assert.Matches("(?m)^HEALTH_PATH +/health +default$", process.Output);
        Assert.Matches("(?m)^ADMIN_TOKEN +\\(hidden\\) +environment$", process.Output);
        Assert.DoesNotContain("short-secret", process.Output, StringComparison.Ordinal);
        Assert.Matches("(?m)^warning: HEALTH_INTERVALL is not a setting\\. Did you mean HEALTH_INTERVAL\\?$", process.Output);
        Assert.Matches("(?m)^warning: HEALTH_RISE in .*\\.env is overridden by the environment\\.$", process.Output);
        Assert.Matches("(?m)^warning: ADMIN_TOKEN is shorter than 16 characters", process.Output);
    }

    [Fact]
    public async Task Check_InvalidSetting_IsOneLineAndExitsWithOne()
    {
        var (code, output) = await RunAsync("Kiro.Balancer", new() { ["HEALTH_FALL"] = "0" }, "--check");

        Assert.Equal((1, "HEALTH_FALL=0 is not valid: expected a whole number from 1 to 100."), (code, output.Trim()));
    }

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    public async Task Run_FromStartToStop_LogsEndpointsAndSignal(string format)
    {
        var (port, node) = (FreePort.Next(), FreePort.Next());
        await using var process = new ServiceProcess("Kiro.Balancer", new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["BACKEND_HOSTS"] = $"127.0.0.1:{node}",
            ["LOG_FORMAT"] = format,
            ["DRAIN_DELAY"] = "0",
        });
        await Eventually.BeTrue(
            () => process.Output.Contains($"status page: http://localhost:{port}/lb", StringComparison.Ordinal)
                && process.Output.Contains("is not up yet", StringComparison.Ordinal),
            "startup is logged");
        process.Signal("TERM");
        Assert.Equal(0, await process.ExitCode());

        Assert.Contains($"balancing over 127.0.0.1:{node} (BACKEND_HOSTS)", process.Output, StringComparison.Ordinal);
        Assert.Contains("Stopping on SIGTERM", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("is down", process.Output, StringComparison.Ordinal);
        foreach (var line in process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (format == "json")
            {
                using var entry = JsonDocument.Parse(line);
                Assert.Matches(DateAndTime(), entry.RootElement.GetProperty("Timestamp").GetString());
            }
            else
            {
                Assert.Matches(DateAndTime(), line);
            }
        }
    }

    [Fact]
    public async Task Config_WithToken_MatchesCheck()
    {
        await using var balancer = await BalancerInProcess.Start("ADMIN_TOKEN=0123456789abcdef", "HEALTH_FALL=4");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/lb/config");
        Assert.Equal(401, (int)(await balancer.Http.GetAsync(new Uri("/lb/config", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
        request.Headers.Add("Authorization", "Bearer 0123456789abcdef");

        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);

        var json = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("""{"name":"HEALTH_FALL","value":"4","source":"configuration"}""", json, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef", json, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, Dictionary<string, string> variables, params string[] arguments)
    {
        await using var process = new ServiceProcess(program, variables, arguments);
        return (await process.ExitCode(), process.Output);
    }

    [GeneratedRegex("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z")]
    private static partial Regex DateAndTime();
}
