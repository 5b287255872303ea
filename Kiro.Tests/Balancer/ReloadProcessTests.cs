using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer;

/// <summary>What only a process shows: SIGHUP, and a <c>.env</c> file.</summary>
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
    public async Task Hangup_AndAChangedFile_TakeTheFileAndLeaveTheEnvironmentAlone()
    {
        await using var node = await TestBackend.StartAsync();
        var file = Path.Combine(_folder.FullName, ".env");
        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=1\nHEALTH_RISE=1\n", TestContext.Current.CancellationToken);
        _process = new ServiceProcess(_folder.FullName, [], "Kiro.Balancer", new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{FreePort.Next()}", ["BACKEND_HOSTS"] = node.Host, ["HEALTH_FALL"] = "3",
        });
        await SaysAsync("Listens on");

        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=2\nHEALTH_FALL=5\n", TestContext.Current.CancellationToken);
        await SaysAsync("generation 2: HEALTH_RISE, HEALTH_TIMEOUT changed");

        _process.Signal("HUP");
        await SaysAsync("Settings reloaded (SIGHUP): nothing changed, generation 2 stays in force");

        await File.WriteAllTextAsync(file, "HEALTH_TIMEOUT=never\n", TestContext.Current.CancellationToken);
        await SaysAsync("those before stay in force: HEALTH_TIMEOUT=never is not valid: expected a number from 0.1 to 300.");

        await File.WriteAllTextAsync(file, "BALANCER_PORT\n", TestContext.Current.CancellationToken);
        await SaysAsync("line 1, cannot be understood");

        File.Delete(file);
        await SaysAsync("generation 3: HEALTH_TIMEOUT changed");
        _process.Signal("TERM");
        Assert.Equal(0, await _process.ExitCode());
    }

    private Task SaysAsync(string text) =>
        Eventually.BeTrue(() => _process!.Output.Contains(text, StringComparison.Ordinal), $"it says: {text}\n{_process?.Output}");
}
