using System.Globalization;
using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Kiro.Tests.Api.Database;

namespace Kiro.Tests.Api.Processes;

/// <summary>Several nodes, started at once on the same empty database.</summary>
internal sealed class ClusterScenario(DatabaseOptions options, int size, params (string Name, string Value)[] environment) : IAsyncDisposable
{
    private const int Clients = 250;
    private long _sent;
    private long _failed;

    public IReadOnlyList<ApiNode> Nodes { get; } =
        [.. Enumerable.Range(1, size).Select(number => new ApiNode([.. environment, ("NODE_NAME", $"api-{number}")]))];

    public long Failed => Interlocked.Read(ref _failed);

    public long Sent => Interlocked.Read(ref _sent);

    public Task AllAsync(string status) => Task.WhenAll(Nodes.Select(node => node.HealthAsync(status)));

    /// <summary>Waits until every node sees all of them up.</summary>
    public Task AllKnowEachOtherAsync() => Task.WhenAll(Nodes.Select(node => Support.Eventually.BeTrue(
        async () => (await node.JsonAsync("/api/nodes", ("X-Forwarded-For", NextClient()))).GetProperty("nodes").EnumerateArray()
            .Count(other => other.GetProperty("state").GetString() == "up") == Nodes.Count,
        "all nodes are up")));

    /// <summary>Sends this many requests from many clients to all nodes in turn.</summary>
    public Task SendAsync(int count) => SendAsync(() => Interlocked.Add(ref count, -1) >= 0);

    /// <summary>Sends requests from many clients to all nodes in turn, while <paramref name="more"/> returns true.</summary>
    public Task SendAsync(Func<bool> more) => Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
    {
        while (more())
        {
            var node = Nodes[(int)(Interlocked.Read(ref _sent) % Nodes.Count)];
            if (!await node.RequestAsAsync(NextClient()))
            {
                Interlocked.Increment(ref _failed);
            }
        }
    })));

    public Task StopAsync() => Task.WhenAll(Nodes.Select(node => node.StopAsync()));

    /// <summary>The totals in the database.</summary>
    public async Task<LedgerTotals> TotalsAsync()
    {
        await using var reader = new TestNode(options, "reader", TimeProvider.System);
        return await reader.Ledger.TotalsAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }
    }

    private string NextClient() =>
        string.Create(CultureInfo.InvariantCulture, $"203.0.113.{Interlocked.Increment(ref _sent) % Clients}");
}
