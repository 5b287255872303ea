using System.Diagnostics;
using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Tool;

/// <summary>The command line of the installed tool <c>kiro</c>.</summary>
public sealed class ToolTests
{
    [Theory]
    [InlineData("--help", "kiro [--hosts LIST] [--port N]")]
    [InlineData("help", "kiro status [--watch]")]
    [InlineData("status --help", "kiro completion bash|zsh|fish")]
    [InlineData("--version", "0.")]
    [InlineData("version", "0.")]
    public async Task HelpAndVersion_Asked_ArePrintedAndExitWithZero(string arguments, string words)
    {
        var (code, output) = await RunAsync(arguments);

        Assert.Equal(0, code);
        Assert.Contains(words, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("serve", "Unknown argument: serve. See --help.")]
    [InlineData("--hosts", "--hosts needs a value: --hosts VALUE or --hosts=VALUE.")]
    [InlineData("--hosts=", "--hosts needs a value: --hosts VALUE or --hosts=VALUE.")]
    [InlineData("--hosts --port 1", "--hosts needs a value: --hosts VALUE or --hosts=VALUE.")]
    [InlineData("--hosts a:b", "BACKEND_HOSTS=a:b is not valid: expected ")]
    [InlineData("--port 70000", "BALANCER_PORT=70000 is not valid: expected a whole number from 1 to 65535.")]
    [InlineData("status --hosts a:1", "Unknown argument of status: --hosts. See --help.")]
    [InlineData("status --url lb", "--url=lb is not valid: expected the address of a balancer, such as http://127.0.0.1:13003.")]
    [InlineData("completion tcsh", "completion tcsh is not valid: expected completion bash or completion zsh or completion fish.")]
    public async Task Argument_Invalid_IsOneLineAndExitsWithOne(string arguments, string line)
    {
        var (code, output) = await RunAsync(arguments);

        Assert.Equal(1, code);
        Assert.StartsWith(line, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_Options_AreSettings()
    {
        var (code, output) = await RunAsync("check --hosts a:8080,b:8080*2 --port=8080 --health-path /healthz --HEALTH_FALL=4");

        Assert.Equal(0, code);
        Assert.Matches(@"(?m)^BACKEND_HOSTS +a:8080,b:8080\*2 +command line$", output);
        Assert.Matches("(?m)^BALANCER_PORT +8080 +command line$", output);
        Assert.Matches("(?m)^HEALTH_PATH +/healthz +command line$", output);
        Assert.Matches("(?m)^HEALTH_FALL +4 +command line$", output);
    }

    [Fact]
    public async Task Hosts_AndPort_StartABalancer()
    {
        await using var node = await TestBackend.StartAsync("node-7");
        var port = FreePort.Next();
        await using var balancer = new ServiceProcess("kiro", Nothing, "--hosts", node.Host, "--port", port.ToString(CultureInfo.InvariantCulture), "--drain-delay", "0");
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.BeTrue(async () => (await http.GetAsync(new Uri("/health", UriKind.Relative))).IsSuccessStatusCode, "the node is up");
        Assert.Contains("node-7", await http.GetStringAsync(new Uri("/anything", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        await Eventually.BeTrue(async () => await RunAsync($"status --url http://127.0.0.1:{port}") is (0, var output) && output.Contains("1 of 1 up", StringComparison.Ordinal), "status shows it");
        var route = await RunAsync($"status --client 203.0.113.7 --url http://127.0.0.1:{port}");
        balancer.Signal("TERM");

        Assert.Equal((0, "203.0.113.7 -> node-7"), (route.Code, route.Output.Split(Environment.NewLine)[0]));
        Assert.Equal(0, await balancer.ExitCode());
    }

    [Fact]
    public async Task Takeover_FromARunningBalancer_StopsIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A port can be taken over on Linux only.");
        await using var node = await TestBackend.StartAsync();
        string[] arguments = ["--hosts", node.Host, "--port", FreePort.Next().ToString(CultureInfo.InvariantCulture), "--drain-delay", "0"];
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{arguments[3]}") };
        await using var older = new ServiceProcess("kiro", Nothing, arguments);
        await Eventually.BeTrue(async () => (await http.GetAsync(new Uri("/health", UriKind.Relative))).IsSuccessStatusCode, "the node is up");

        await using var newer = new ServiceProcess("kiro", Nothing, [.. arguments, "--takeover"]);

        Assert.Equal(0, await older.ExitCode());
        Assert.True((await http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Completion_Bash_CompletesCommandsAndOptions()
    {
        Assert.SkipWhen(Requirement.Find("bash") is null, "bash is not installed.");
        var (_, script) = await RunAsync("completion bash");

        Assert.Equal(["status"], await CompleteAsync(script, "kiro", "sta"));
        Assert.Equal(["--hosts"], await CompleteAsync(script, "kiro", "--ho"));
        Assert.Equal(["--client"], await CompleteAsync(script, "kiro", "status", "--c"));
        Assert.Contains("--health-interval", await CompleteAsync(script, "kiro", "check", "--health-"));
    }

    private static Dictionary<string, string> Nothing => [];

    private static async Task<(int Code, string Output)> RunAsync(string arguments)
    {
        await using var process = new ServiceProcess("kiro", Nothing, arguments.Split(' '));
        return (await process.ExitCode(), process.Output);
    }

    private static async Task<string[]> CompleteAsync(string script, params string[] words)
    {
        var line = string.Join(' ', words.Select(word => $"'{word}'"));
        var command = $"{script}\nCOMP_WORDS=({line}); COMP_CWORD={words.Length - 1}; _kiro; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
