using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.State;

/// <summary>Balancers that are killed, and their successors with the same file.</summary>
public sealed class StateProcessTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private TestBackend[] _nodes = [];

    private string File => Path.Combine(_folder.FullName, "state.json");

    public async ValueTask InitializeAsync() => _nodes = [await TestBackend.StartAsync("node-1"), await TestBackend.StartAsync("node-2")];

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Kill_WhileOrdersAreIssued_KeepsTheAcknowledged()
    {
        var (given, acknowledged) = (1, 1);
        for (var round = 0; round < 4; round++)
        {
            await using var balancer = await StartAsync();
            Assert.InRange(await WeightAsync(balancer), acknowledged, given);
            if (round == 0)
            {
                await OrderAsync(balancer, _nodes[1].Host, "drain");
            }

            Assert.True((await NodeAsync(balancer, _nodes[1].Port)).GetProperty("drainedByOperator").GetBoolean());
            var kill = Task.Run(async () =>
            {
                await Task.Delay(Random.Shared.Next(300));
                balancer.Process.Signal("KILL");
            }, TestContext.Current.CancellationToken);
            try
            {
                while (given < 1000)
                {
                    given++;
                    await OrderAsync(balancer, _nodes[0].Host, "weight", given);
                    acknowledged = given;
                }
            }
            catch (HttpRequestException)
            {
                // It is dead.
            }

            await kill;
        }

        await using var last = await StartAsync();
        Assert.InRange(await WeightAsync(last), acknowledged, given);
        Assert.DoesNotContain("cannot be read", last.Process.Output, StringComparison.Ordinal);
        await Eventually.BeTrue(
            async () => (await System.IO.File.ReadAllTextAsync(File, TestContext.Current.CancellationToken)).Split("\"kind\":\"started\"").Length - 1 == 5, "each start is in the timeline");
    }

    private Task<BalancerProcess> StartAsync() =>
        BalancerProcess.StartAsync(string.Join(',', _nodes.Select(node => node.Host)), $"STATE_FILE={File}", $"ADMIN_TOKEN={Token}");

    private async Task<int> WeightAsync(BalancerProcess balancer) => (int)(await NodeAsync(balancer, _nodes[0].Port)).GetProperty("weight").GetDouble();

    private static async Task<JsonElement> NodeAsync(BalancerProcess balancer, int port) =>
        (await balancer.Http.GetFromJsonAsync<JsonElement>("/lb/status", TestContext.Current.CancellationToken)).GetProperty("backends").EnumerateArray()
        .Single(node => node.GetProperty("port").GetInt32() == port);

    private static async Task OrderAsync(BalancerProcess balancer, string node, string verb, int? weight = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{node}/{verb}")
        {
            Content = weight is { } number ? new StringContent($"{{\"weight\":{number}}}") : null,
        };
        request.Headers.Authorization = new("Bearer", Token);
        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{verb}: {response.StatusCode}");
    }
}
