using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer;

/// <summary>Reloading in a real process: SIGHUP and the <c>.env</c> file.</summary>
public sealed class ReloadProcessTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private ServiceProcess? _process;

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Reload_BySignalOrChangedFile_AppliesTheFileAndNotOverTheEnvironment()
    {
        await using var node = await TestBackend.StartAsync();
        var file = Path.Combine(_folder.FullName, ".env");
        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=1\nHEALTH_RISE=1\n", TestContext.Current.CancellationToken);
        _process = new ServiceProcess(_folder.FullName, [], "Kiro.Balancer", new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{FreePort.Next()}", ["BACKEND_HOSTS"] = node.Host, ["HEALTH_FALL"] = "3",
        });
        await LogsAsync("Listening on");

        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=2\nHEALTH_FALL=5\n", TestContext.Current.CancellationToken);
        await LogsAsync("generation 2: HEALTH_RISE, HEALTH_TIMEOUT changed");

        _process.Signal("HUP");
        await LogsAsync("Settings reloaded (SIGHUP): nothing changed, generation 2 stays in force");

        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=never\n", TestContext.Current.CancellationToken);
        await LogsAsync($"the previous ones stay in force: HEALTH_TIMEOUT=never in {file}, line 1, is not valid: expected a number from 0.1 to 300.");

        await File.WriteAllTextAsync(file, "BALANCER_PORT\n", TestContext.Current.CancellationToken);
        await LogsAsync("line 1, cannot be parsed");

        File.Delete(file);
        await LogsAsync("generation 3: HEALTH_TIMEOUT changed");
        _process.Signal("TERM");
        Assert.Equal(0, await _process.ExitCode());
    }

    // A service manager may send SIGHUP at any time.
    [Fact]
    public async Task Sighup_DuringStartup_IsHandledOnceStarted()
    {
        await using var node = await TestBackend.StartAsync();
        // The balancer asks its peers first, and this one never responds.
        var asked = new TaskCompletionSource();
        await using var silent = new SocketServer(async (_, stop) =>
        {
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, stop);
        });
        _process = new ServiceProcess(_folder.FullName, [], "Kiro.Balancer", new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{FreePort.Next()}", ["BACKEND_HOSTS"] = node.Host, ["DRAIN_DELAY"] = "0",
            ["ADMIN_TOKEN"] = "0123456789abcdef", ["BALANCER_PEERS"] = $"127.0.0.1:{silent.Port}",
        });
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);

        _process.Signal("HUP");

        await LogsAsync("Settings reloaded (SIGHUP): nothing changed, generation 1 stays in force");
        await LogsAsync("Listening on");
        Assert.False(_process.HasExited);
    }

    [Fact]
    public async Task Reload_RepeatedlyUnderLoad_FailsNoRequest()
    {
        await using var one = await TestBackend.StartAsync("node-1");
        await using var other = await TestBackend.StartAsync("node-2");
        var (port, nodes, file) = (FreePort.Next(), Path.Combine(_folder.FullName, "nodes"), Path.Combine(_folder.FullName, ".env"));
        await File.WriteAllLinesAsync(nodes, [one.Host, other.Host], TestContext.Current.CancellationToken);
        _process = new ServiceProcess(_folder.FullName, [], "Kiro.Balancer", new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{port}", ["BACKEND_FILE"] = nodes, ["ADMIN_TOKEN"] = "0123456789abcdef",
        });
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", "0123456789abcdef");
        await Eventually.BeTrue(async () => (await http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode, "the nodes are up");
        await using var load = new Faults.NewConnections(port, 4);

        for (var round = 0; round < 40; round++)
        {
            await ReplaceAsync(nodes, $"{one.Host}*{1 + round % 3}\n{other.Host}\n");
            await ReplaceAsync(file, $"HEALTH_TIMEOUT={1 + round % 2}\nEXCHANGE_TIMEOUT={100 + round}\nACCESS_LOG={(round % 2 == 0 ? "on" : "off")}\n");
            _process.Signal("HUP");
            using var response = await http.PostAsync(new Uri("/lb/reload", UriKind.Relative), null, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var before = load.Requests;
        await Eventually.BeTrue(() => load.Requests > before + 20, "requests are still served");
        await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"80 reloads: {load.Requests} requests, {load.Failures.Count} failed");
        Assert.Empty(load.Failures);
    }

    private static async Task ReplaceAsync(string path, string text)
    {
        await File.WriteAllTextAsync(path + ".new", text, TestContext.Current.CancellationToken);
        File.Move(path + ".new", path, overwrite: true);
    }

    private Task LogsAsync(string text) =>
        Eventually.BeTrue(() => _process!.Output.Contains(text, StringComparison.Ordinal), $"the log contains: {text}\n{_process?.Output}");
}
