using System.Diagnostics.Metrics;
using System.Net;
using Kiro.Api.Database;
using Kiro.Api.Callers;
using Kiro.Api.Ledger;
using Kiro.Tests.Api.Database;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Api.Ledger;

public sealed class LedgerFlushTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly LedgerCounts _counts;
    private readonly LedgerOutbox _outbox;
    private readonly TestNode _node;
    private readonly LedgerFlush _flush;

    public LedgerFlushTests()
    {
        _node = new TestNode(
            DatabaseOptions.Sqlite(Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db")), "api-1", _time);
        _counts = new LedgerCounts(_time);
        _outbox = new LedgerOutbox(_counts);
        var metrics = new ApiMetrics(_services.GetRequiredService<IMeterFactory>(), _outbox, _counts, _node.State);
        _flush = new LedgerFlush(
            _outbox, _node.Ledger, _node.State, new LedgerOptions(TimeSpan.FromSeconds(1)), metrics, _time, NullLogger<LedgerFlush>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FlushAsync_NoSchemaYet_KeepsEveryCountUntilThereIs()
    {
        Count("10.0.0.1", 3);
        Assert.False(await _flush.FlushAsync(Cancellation));
        Count("10.0.0.1", 4);
        Count("10.0.0.2", 1);
        Assert.False(await _flush.FlushAsync(Cancellation));
        Assert.Equal((8, false), (_outbox.Pending, _node.State.IsUp));
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => _flush.ProbeAsync(Cancellation));

        await _node.Schema.RunAsync(Cancellation);

        Assert.True(await _flush.FlushAsync(Cancellation));
        Assert.Equal(0, _outbox.Pending);
        // A successful flush does not prove everything that the database is needed for.
        Assert.False(_node.State.IsUp);
        await _flush.ProbeAsync(Cancellation);
        Assert.Equal(new LedgerTotals(2, 8, 0), await _node.Ledger.TotalsAsync(Cancellation));
    }

    [Fact]
    public async Task FlushAsync_CommitUnconfirmed_IsNotAppliedTwice()
    {
        await _node.Schema.RunAsync(Cancellation);
        Count("10.0.0.1", 3);
        // As if the transaction was committed, but the connection died before the confirmation arrived.
        await _node.Ledger.WriteAsync(_outbox.Next()!, Cancellation);
        Count("10.0.0.1", 2);

        Assert.True(await _flush.FlushAsync(Cancellation));

        Assert.Equal(new LedgerTotals(1, 5, 0), await _node.Ledger.TotalsAsync(Cancellation));
    }

    [Fact]
    public async Task StopAsync_PendingCounts_WritesThem()
    {
        await _node.Schema.RunAsync(Cancellation);
        await _flush.StartAsync(Cancellation);
        Count("10.0.0.1", 3);

        await _flush.StopAsync(Cancellation);

        Assert.Equal(3, (await _node.Ledger.TotalsAsync(Cancellation)).Requests);
    }

    public async ValueTask DisposeAsync()
    {
        _flush.Dispose();
        await _node.DisposeAsync();
        await _services.DisposeAsync();
    }

    private void Count(string client, int requests)
    {
        for (var request = 0; request < requests; request++)
        {
            _counts.Count(new Caller(IPAddress.Parse(client), null));
        }
    }
}
