using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>What a node says about its database while requests keep arriving, and how often it says it.</summary>
internal sealed class Verdicts(ApiNode node)
{
    private const string Asker = "198.51.100.1";

    private int _clients;

    /// <summary>Waits until the node says why it is degraded, then watches that nothing else is said.</summary>
    /// <param name="reason">What the reason must contain. What was under way on a connection that was ended may be the first
    /// thing that fails, so it need not be the first reason.</param>
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
            Assert.True(health.GetProperty("database").GetString() == "down", $"It is up again although no write can work. Output: {node.Process.Output}");
            Assert.Contains(reason, health.GetProperty("reason").GetString(), StringComparison.Ordinal);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until the node is well again, and checks that each change was one line.</summary>
    public async Task RecoversAsync(int falls = 1)
    {
        await node.HealthAsync("ok");
        // The line comes a moment after the verdict.
        await Eventually.BeTrue(() => Count("The database is up") > falls, "it says that it is up");
        Assert.Equal((falls, falls + 1), (Count("The database is down"), Count("The database is up")));
    }

    /// <summary>Every request that was sent is in the ledger in the end.</summary>
    public async Task AllAreCountedAsync() => await Eventually.BeTrue(
        async () =>
        {
            var ledger = await node.JsonAsync("/api/clients", ("X-Forwarded-For", Asker));
            // Last seen first: our own questions stand before everybody else.
            var asked = ledger.GetProperty("clients").EnumerateArray()
                .Where(client => client.GetProperty("client").GetString() == "198.51.100.*").Sum(client => client.GetProperty("requests").GetInt64());
            return ledger.GetProperty("totals").GetProperty("requests").GetInt64() - asked == _clients;
        },
        $"{_clients} requests are in the ledger");

    private int Count(string text) => node.Process.Output.Split(text).Length - 1;

    /// <summary>New clients all the time: their rows need room.</summary>
    private async Task RequestsAsync()
    {
        for (var request = 0; request < 10; request++)
        {
            var number = _clients++;
            Assert.True(await node.RequestAsAsync($"10.{number / 65536 % 256}.{number / 256 % 256}.{number % 256}"));
        }
    }
}
