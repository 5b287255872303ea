using System.Globalization;
using System.Net.Sockets;
using System.Net;
using Kiro.Tests.Support;

namespace Kiro.Tests.Cluster;

public class ClusterRefusalTests
{
    [Theory]
    [InlineData("INSTANCE_COUNT", "-1", "INSTANCE_COUNT=-1 is not valid: expected a whole number from 1 to 100.")]
    [InlineData("BALANCER_PORT", "abc", "BALANCER_PORT=abc is not valid: expected a whole number from 1 to 65535.")]
    public async Task Start_InvalidValue_IsOneLineAndExitCode1(string name, string value, string line) =>
        await AssertRejected(new Dictionary<string, string> { [name] = value }, [line]);

    [Fact]
    public async Task Start_UnknownArgument_IsOneLineAndExitCode1() =>
        await AssertRejected([], ["Unknown argument: --fast. See --help."], "--fast");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_PortsInUse_AreNamedAndNothingStarts(bool loopbackOnly)
    {
        var port = FreePort.Range(4);
        using var balancer = Listen(port, loopbackOnly);
        using var third = Listen(port + 3, loopbackOnly);

        await AssertRejected(new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = port.ToString(CultureInfo.InvariantCulture),
            ["START_PORT"] = (port + 1).ToString(CultureInfo.InvariantCulture),
            ["INSTANCE_COUNT"] = "3",
        },
        [
            $"BALANCER_PORT: port {port} (for balancer) is in use by another process.",
            $"START_PORT: port {port + 3} (for api-3) is in use by another process.",
        ]);
    }

    [Fact]
    public async Task Start_UnusableDatabaseFile_IsOneLineAndNothingStarts()
    {
        var folder = Directory.CreateTempSubdirectory("kiro-test-").FullName;

        await AssertRejected(
            new Dictionary<string, string> { ["SQLITE_FILE"] = folder }, [$"SQLITE_FILE={folder} cannot be used: it is a folder, expected a file."]);
    }

    [Fact]
    public async Task Version_Asked_IsOneLine()
    {
        await using var runner = new ServiceProcess("Kiro.Cluster", new Dictionary<string, string>(), "--version");

        Assert.Equal(0, await runner.ExitCode());
        Assert.Matches(@"^Kiro \d+\.\d+\.\d+\s*$", runner.Output);
    }

    [Fact]
    public async Task Help_Asked_IsShort()
    {
        await using var runner = new ServiceProcess("Kiro.Cluster", new Dictionary<string, string>(), "--help");

        Assert.Equal(0, await runner.ExitCode());
        Assert.Contains("--no-balancer", runner.Output, StringComparison.Ordinal);
        Assert.Contains("INSTANCE_COUNT", runner.Output, StringComparison.Ordinal);
        Assert.All(runner.Output.Split(Environment.NewLine), line => Assert.InRange(line.Length, 0, 80));
    }

    private static async Task AssertRejected(Dictionary<string, string> environment, string[] lines, params string[] arguments)
    {
        await using var runner = new ServiceProcess("Kiro.Cluster", environment, arguments);

        Assert.Equal(1, await runner.ExitCode());
        Assert.Equal(lines, runner.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    private static TcpListener Listen(int port, bool loopbackOnly)
    {
        var listener = new TcpListener(loopbackOnly ? IPAddress.Loopback : IPAddress.Any, port);
        listener.Start();
        return listener;
    }
}
