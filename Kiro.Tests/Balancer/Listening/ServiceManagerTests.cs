using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening;

/// <summary>systemd's protocols: socket activation (with <c>systemd-socket-activate</c> where it is installed) and notification.</summary>
public sealed class ServiceManagerTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private readonly List<ServiceProcess> _processes = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("loop")]
    [InlineData("lean")]
    public async Task Activation_TheSocketThatIsPassed_IsListenedOnAndSurvivesTheService(string forwarder)
    {
        var activate = Requirement.Find("systemd-socket-activate");
        Requirement.Need("systemd", activate is not null, "no systemd-socket-activate is installed.");
        await using var node = await TestBackend.StartAsync();
        var port = FreePort.Next();
        var process = Start([activate!, $"--listen=127.0.0.1:{port}", "-E", "BALANCER_PORT", "-E", "BACKEND_HOSTS", "-E", "FORWARDER", "-E", "LISTEN_ADDRESS"], new()
        {
            ["BALANCER_PORT"] = $"{port}", ["LISTEN_ADDRESS"] = "127.0.0.1", ["BACKEND_HOSTS"] = node.Host, ["FORWARDER"] = forwarder,
        });

        // Started by this connection, which waits in the accept queue.
        using var http = new HttpClient();
        Assert.Contains("node-1", await Eventually200Async(http, $"http://127.0.0.1:{port}/"), StringComparison.Ordinal);

        Assert.Contains("Listening on", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notifications_AreSentAsTheServiceServesLivesAndStops()
    {
        Requirement.Need("Linux", OperatingSystem.IsLinux(), "systemd needs Linux.");
        await using var node = await TestBackend.StartAsync();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var process = StartUnder(manager, node, watchdog: "200000");

        Assert.Equal("READY=1", await ReceiveAsync(manager));
        Assert.Equal("WATCHDOG=1", await ReceiveAsync(manager));
        Assert.Equal("WATCHDOG=1", await ReceiveAsync(manager));
        process.Signal("TERM");
        string state;
        while ((state = await ReceiveAsync(manager)) == "WATCHDOG=1")
        {
        }

        Assert.Equal("STOPPING=1", state);
        Assert.Equal(0, await process.ExitCode());
    }

    [Fact]
    public async Task Notifications_ThatNobodyReads_DoNotHoldUpTheEnd()
    {
        Requirement.Need("Linux", OperatingSystem.IsLinux(), "systemd needs Linux.");
        await using var node = await TestBackend.StartAsync();
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var process = StartUnder(manager, node, watchdog: "20000");
        Assert.Equal("READY=1", await ReceiveAsync(manager));

        // The accept queue holds ten connections, or 512, depending on the system.
        await Task.Delay(TimeSpan.FromSeconds(6), TestContext.Current.CancellationToken);
        process.Signal("TERM");

        Assert.Equal(0, await process.ExitCode());
    }

    [Theory]
    [InlineData("kiro-balancer.service")]
    [InlineData("kiro-balancer.socket")]
    [InlineData("kiro-balancer@0.2.0.service")]
    public async Task Units_AsTheyAreInstalled_AreUnderstood(string unit)
    {
        var analyze = Requirement.Find("systemd-analyze");
        Requirement.Need("systemd", analyze is not null, "no systemd-analyze is installed.");
        var units = _folder.CreateSubdirectory("units").FullName;
        var dropIns = Directory.CreateDirectory(Path.Combine(units, "kiro-.service.d")).FullName;
        var source = Path.Combine(Repository.Root, "deploy", "systemd");
        foreach (var file in Directory.GetFiles(source, "kiro-balancer*"))
        {
            // The unit's paths exist on a host, not here.
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(
                Path.Combine(units, Path.GetFileName(file).Replace("@.", "@0.2.0.", StringComparison.Ordinal)),
                text.Replace("/opt/kiro/current/Kiro.Balancer", "/bin/true", StringComparison.Ordinal).Replace("/opt/kiro/%i/Kiro.Balancer", "/bin/true", StringComparison.Ordinal),
                TestContext.Current.CancellationToken);
        }

        File.Copy(Path.Combine(source, "kiro-.service.d", "service.conf"), Path.Combine(dropIns, "service.conf"));
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(analyze!, ["verify", "--man=no", Path.Combine(units, unit)])
        {
            RedirectStandardError = true, Environment = { ["SYSTEMD_UNIT_PATH"] = units + ":" },
        })!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain("kiro", said, StringComparison.Ordinal);
        Assert.True(process.ExitCode == 0, said);
    }

    private static async Task<string> ReceiveAsync(Socket manager)
    {
        var buffer = new byte[256];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(Eventually.Patience));
        return Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer, SocketFlags.None, limit.Token));
    }

    private static async Task<string> Eventually200Async(HttpClient http, string url)
    {
        var text = "";
        await Eventually.BeTrue(
            async () =>
            {
                using var response = await http.GetAsync(new Uri(url), TestContext.Current.CancellationToken);
                text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                return response.IsSuccessStatusCode;
            },
            "a node answers");
        return text;
    }

    private ServiceProcess StartUnder(Socket manager, TestBackend node, string watchdog)
    {
        var path = Path.Combine(_folder.FullName, "notify");
        manager.Bind(new UnixDomainSocketEndPoint(path));
        return Start([], new()
        {
            ["BALANCER_PORT"] = $"{FreePort.Next()}", ["BACKEND_HOSTS"] = node.Host, ["NOTIFY_SOCKET"] = path, ["WATCHDOG_USEC"] = watchdog, ["DRAIN_DELAY"] = "0",
        });
    }

    private ServiceProcess Start(string[] wrapper, Dictionary<string, string> settings)
    {
        var process = new ServiceProcess(_folder.FullName, wrapper, "Kiro.Balancer", settings);
        _processes.Add(process);
        return process;
    }
}
