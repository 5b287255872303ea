using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>Checks the database health that a node reports and logs while requests keep arriving.</summary>
internal sealed class Verdicts(ApiNode node)
{
    private const string Observer = "198.51.100.1";

    private int _clients;

    /// <summary>Waits until the node is degraded for this reason, then checks that it stays so.</summary>
    /// <param name="reason">What the reason must contain. It need not be the first reason: an operation on a killed connection
    /// may fail first.</param>
    public async Task StaysDownAsync(string reason, double seconds = 6)
    {
        await Eventually.BeTrue(
            async () =>
            {
                await RequestsAsync();
                var health = await node.JsonAsync("/health");
                return health.GetProperty("status").GetString() == "degraded"
                    && health.GetProperty("reason").GetString()!.Contains(reason, StringComparison.Ordinal);
            },
            $"degraded, {reason}; the node's output: {node.Process.Output}");
        var end = TimeProvider.System.GetTimestamp() + (long)(seconds * TimeProvider.System.TimestampFrequency);
        while (TimeProvider.System.GetTimestamp() < end)
        {
            await RequestsAsync();
            var health = await node.JsonAsync("/health");
            Assert.True(health.GetProperty("database").GetString() == "down", $"The database is reported up although no write can succeed. Output: {node.Process.Output}");
            Assert.Contains(reason, health.GetProperty("reason").GetString(), StringComparison.Ordinal);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until the node is healthy, and checks that each change was logged once.</summary>
    public async Task RecoversAsync(int falls = 1)
    {
        await node.HealthAsync("ok");
        // The log entry follows a moment later.
        await Eventually.BeTrue(() => Count("The database is up") > falls, "the log says that the database is up");
        Assert.Equal((falls, falls + 1), (Count("The database is down"), Count("The database is up")));
    }

    /// <summary>Waits until every request sent is in the ledger.</summary>
    public async Task AllAreCountedAsync() => await Eventually.BeTrue(
        async () =>
        {
            var ledger = await node.JsonAsync("/api/clients", ("X-Forwarded-For", Observer));
            // Ordered by last seen, so the test's own queries are on the first page.
            var asked = ledger.GetProperty("clients").EnumerateArray()
                .Where(client => client.GetProperty("client").GetString() == "198.51.100.*").Sum(client => client.GetProperty("requests").GetInt64());
            return ledger.GetProperty("totals").GetProperty("requests").GetInt64() - asked == _clients;
        },
        $"{_clients} requests are in the ledger");

    private int Count(string text) => node.Process.Output.Split(text).Length - 1;

    /// <summary>Always new clients, so that every write inserts rows.</summary>
    private async Task RequestsAsync()
    {
        for (var request = 0; request < 10; request++)
        {
            var number = _clients++;
            Assert.True(await node.RequestAsAsync($"10.{number / 65536 % 256}.{number / 256 % 256}.{number % 256}"));
        }
    }
}
