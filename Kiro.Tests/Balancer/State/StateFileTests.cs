using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.State;

/// <summary>A balancer that stops, and the next one with the same file.</summary>
public sealed class StateFileTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private readonly List<TestBackend> _nodes = [];

    private string File => Path.Combine(_folder.FullName, "state.json");

    public async ValueTask InitializeAsync()
    {
        _nodes.Add(await TestBackend.StartAsync("node-1"));
        _nodes.Add(await TestBackend.StartAsync("node-2"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Restart_OrdersHealthAndEvents_AreRestored()
    {
        await using (var first = await StartAsync())
        {
            await UpAsync(first, 2);
            await OrderAsync(first, _nodes[0].Host, "drain");
            await OrderAsync(first, _nodes[1].Host, "weight", "{\"weight\":3}");
            await first.App.StopAsync(Cancel);
        }

        // From now on no probe can pass: any health is remembered.
        await _nodes[0].StopAsync();
        await using var second = await BalancerInProcess.Start([.. Settings, "HEALTH_PATH=/hold", "HEALTH_TIMEOUT=60"]);
        var status = await second.Status();

        Assert.Equal(
            [$"{_nodes[0].Host} True", $"{_nodes[1].Host} up 3 False"],
            [
                .. status.GetProperty("backends").EnumerateArray().OrderBy(node => node.GetProperty("drainedByOperator").GetBoolean() ? 0 : 1)
                    .Select(node => node.GetProperty("drainedByOperator").GetBoolean()
                        ? $"{node.GetProperty("id").GetString()} True"
                        : $"{node.GetProperty("id").GetString()} {node.GetProperty("state").GetString()} {node.GetProperty("weight").GetDouble()} False"),
            ]);
        var timeline = await second.Http.GetFromJsonAsync<JsonElement>("/lb/timeline", Cancel);
        Assert.Equal(2, timeline.EnumerateArray().Count(item => item.GetProperty("kind").GetString() == "started"));
        Assert.Contains(timeline.EnumerateArray(), item => item.GetProperty("kind").GetString() == "weight");
    }

    [Fact]
    public async Task Order_Acknowledged_IsInTheFile()
    {
        await using var balancer = await StartAsync();
        await UpAsync(balancer, 2);
        for (var weight = 2; weight < 12; weight++)
        {
            await OrderAsync(balancer, _nodes[0].Host, "weight", $"{{\"weight\":{weight}}}");

            Assert.Contains($"\"value\":\"{weight}\"", await System.IO.File.ReadAllTextAsync(File, Cancel), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task File_Written_IsPrivateAndHasNoSecret()
    {
        Requirement.Need("Unix", !OperatingSystem.IsWindows(), "Windows has no such modes.");
        await System.IO.File.WriteAllTextAsync(File, "", Cancel);
        await using var balancer = await StartAsync();
        await UpAsync(balancer, 2);

        await OrderAsync(balancer, _nodes[0].Host, "drain");

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, new FileInfo(File).UnixFileMode);
        Assert.DoesNotContain(Token, await System.IO.File.ReadAllTextAsync(File, Cancel), StringComparison.Ordinal);
        await Eventually.BeTrue(
            () => _folder.EnumerateFiles().Select(file => file.Name).Order(StringComparer.Ordinal).SequenceEqual(["state.json", "state.json.broken"]),
            "no other file is left");
    }

    [Fact]
    public async Task File_IsALink_ItsTargetIsReplaced()
    {
        Requirement.Need("Unix", !OperatingSystem.IsWindows(), "Windows asks for rights to make links.");
        var target = Path.Combine(_folder.CreateSubdirectory("volume").FullName, "state");
        System.IO.File.CreateSymbolicLink(File, target);
        await using var balancer = await StartAsync();
        await UpAsync(balancer, 2);

        await OrderAsync(balancer, _nodes[0].Host, "drain");

        Assert.Contains(_nodes[0].Host, await System.IO.File.ReadAllTextAsync(target, Cancel), StringComparison.Ordinal);
        Assert.Equal(target, new FileInfo(File).LinkTarget);
    }

    [Fact]
    public async Task File_SharedWithAnotherBalancer_IsAWarning()
    {
        await using var one = await StartAsync();
        await using var other = await StartAsync();
        await UpAsync(one, 2);
        await UpAsync(other, 2);

        await Eventually.BeTrue(
            async () =>
            {
                // Each writes; one that has written only once has not detected the other yet.
                await OrderAsync(one, _nodes[0].Host, "drain");
                await OrderAsync(other, _nodes[0].Host, "drain");
                return (await WarningsAsync(other)).Contains($"STATE_FILE={File} is also written by another process: each balancer needs its own file.");
            },
            "the warning is there");
    }

    // The first request or probe detects that the node is gone, and no client notices.
    [Fact]
    public async Task Restart_NodeIsGone_NoRequestFails()
    {
        await using (var first = await StartAsync())
        {
            await UpAsync(first, 2);
            await OrderAsync(first, _nodes[0].Host, "weight", "{\"weight\":100}");
            await first.App.StopAsync(Cancel);
        }

        await _nodes[0].StopAsync();
        await using var second = await StartAsync();

        for (var request = 0; request < 20; request++)
        {
            using var response = await second.Http.GetAsync("/", Cancel);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await UpAsync(second, 1);
    }

    [Theory]
    [InlineData("{\"version\":1,\"savedAt\":\"20")]
    [InlineData("{\"version\":99,\"savedAt\":\"2026-01-01T00:00:00Z\"}")]
    [InlineData("{\"version\":1,\"savedAt\":\"2026-01-01T00:00:00Z\",\"nodes\":7}")]
    [InlineData("")]
    [InlineData("\0\0\0\0")]
    public async Task Start_InvalidFile_IsMovedAsideWithAWarning(string content)
    {
        await System.IO.File.WriteAllTextAsync(File, content, Cancel);

        await using var balancer = await StartAsync();

        Assert.Contains(
            await WarningsAsync(balancer),
            warning => warning.StartsWith($"STATE_FILE={File} cannot be read and was moved to {File}.broken, ", StringComparison.Ordinal));
        Assert.Equal(content, await System.IO.File.ReadAllTextAsync(File + ".broken", Cancel));
    }

    [Fact]
    public async Task Save_FileCannotBeWritten_IsAWarningUntilItCan()
    {
        await using var balancer = await StartAsync();
        await UpAsync(balancer, 2);
        // A folder cannot be overwritten, not even by root.
        await Eventually.BeTrue(() => TryCreateFolder(File + ".new"), "no writing is under way");
        await OrderAsync(balancer, _nodes[0].Host, "drain");
        await Eventually.BeTrue(async () => await WarnsAsync(balancer), "the warning is there");

        Directory.Delete(File + ".new");
        await OrderAsync(balancer, _nodes[0].Host, "resume");
        await Eventually.BeTrue(async () => !await WarnsAsync(balancer), "the warning is gone");
    }

    [Fact]
    public void Read_NoSuchFolder_IsOneError() => Assert.Equal(
        ["STATE_FILE=/no/such/folder/state.json is not valid: expected a file in a folder that is there."],
        Support.Settings.Refusals(Kiro.Balancer.State.StateOptions.Read, "STATE_FILE=/no/such/folder/state.json"));

    [Theory]
    [InlineData("root:x:0:0:root:/root:/bin/bash\n")]
    [InlineData("127.0.0.1:13004\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\n")]
    public async Task Read_ForeignFile_IsRejectedAndUnchanged(string content)
    {
        await System.IO.File.WriteAllTextAsync(File, content, Cancel);

        Assert.Equal(
            [$"STATE_FILE={File} is not valid: expected a file that a balancer wrote, or none yet: this one would be replaced."],
            Support.Settings.Refusals(Kiro.Balancer.State.StateOptions.Read, $"STATE_FILE={File}"));
        Assert.Equal(content, await System.IO.File.ReadAllTextAsync(File, Cancel));
    }

    [Fact]
    public void Read_Device_IsRejected() => Assert.Equal(
        ["STATE_FILE=/dev/null is not valid: expected a file in a folder that is there."],
        Support.Settings.Refusals(Kiro.Balancer.State.StateOptions.Read, "STATE_FILE=/dev/null"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string[] Settings =>
        [$"STATE_FILE={File}", $"ADMIN_TOKEN={Token}", $"BACKEND_HOSTS={string.Join(',', _nodes.Select(node => node.Host))}"];

    private Task<BalancerInProcess> StartAsync() => BalancerInProcess.Start(Settings);

    private static async Task<IEnumerable<string>> WarningsAsync(BalancerInProcess balancer) =>
        (await balancer.Status()).GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()!);

    private static async Task<bool> WarnsAsync(BalancerInProcess balancer) => (await WarningsAsync(balancer))
        .Any(warning => warning.Contains("cannot be written, so admin actions are lost when this process ends", StringComparison.Ordinal));

    private static Task UpAsync(BalancerInProcess balancer, int count) => Eventually.BeTrue(
        async () => (await balancer.Status()).GetProperty("summary").GetProperty("healthy").GetInt32() == count, $"{count} nodes are up");

    private static async Task OrderAsync(BalancerInProcess balancer, string node, string order, string? body = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{node}/{order}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await balancer.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static bool TryCreateFolder(string path)
    {
        try
        {
            return Directory.CreateDirectory(path).Exists;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
