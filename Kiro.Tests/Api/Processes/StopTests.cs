using System.Net;

namespace Kiro.Tests.Api.Processes;

public sealed class StopTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sigterm_RequestInFlight_DrainsFinishesAndExitsWithZero()
    {
        await using var node = new ApiNode(("DRAIN_DELAY", "3600"));
        await node.HealthAsync("ok");
        var slow = node.GetAsync("/api/slow?ms=5000");
        using var events = await node.Client.GetStreamAsync("/api/events", Cancellation).ContinueWith(
            opened => new StreamReader(opened.Result), Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
        await node.JsonAsync("/api/status");

        node.Process.Signal("TERM");

        // The stream ends at once, rather than when the listener closes, and without an error.
        var ticks = await events.ReadToEndAsync(Cancellation);
        Assert.Contains("event: tick", ticks, StringComparison.Ordinal);
        using var health = await node.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.True(health.Headers.ConnectionClose);
        Assert.Contains("\"draining\"", await health.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        using var served = await node.GetAsync("/api/client-ip");
        Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        // SIGINT skips the drain delay, but not the request in flight.
        node.Process.Signal("INT");
        using var finished = await slow;
        Assert.Equal(HttpStatusCode.OK, finished.StatusCode);
        Assert.Equal(0, await node.Process.ExitCode());
    }

    [Fact]
    public async Task Sigint_LongDrainDelay_DoesNotWait()
    {
        await using var node = new ApiNode(("DRAIN_DELAY", "3600"));
        await node.HealthAsync("ok");

        node.Process.Signal("INT");

        Assert.Equal(0, await node.Process.ExitCode());
    }

    [Fact]
    public async Task Sigterm_RequestOutlastsTheDrainTimeout_StillFlushesAndExitsWithZero()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db");
        await using var node = new ApiNode(("SQLITE_FILE", file), ("DRAIN_TIMEOUT", "1"), ("LEDGER_INTERVAL", "3600"));
        await node.HealthAsync("ok");
        await node.RequestAsAsync("203.0.113.1");
        var slow = node.GetAsync("/api/slow?ms=60000");
        await node.JsonAsync("/api/status");

        node.Process.Signal("TERM");

        // Sooner than the request would complete.
        Assert.Equal(0, await node.Process.ExitCode(55));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => slow);
        await using var reader = new Database.TestNode(
            Kiro.Api.Database.DatabaseOptions.Sqlite(file), "reader", TimeProvider.System);
        Assert.InRange((await reader.Ledger.TotalsAsync(Cancellation)).Requests, 2, 3);
    }
}
