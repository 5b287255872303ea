using System.Net;
using Kiro.Api.Callers;
using Kiro.Api.Ledger;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Api.Ledger;

public sealed class LedgerOutboxTests
{
    private readonly LedgerCounts _counts = new(new FakeTimeProvider());

    [Fact]
    public void Next_NotConfirmed_IsTheSameBatch()
    {
        var outbox = new LedgerOutbox(_counts);
        _counts.Count(new Caller(IPAddress.Parse("10.0.0.2"), null));
        _counts.Count(new Caller(IPAddress.Parse("10.0.0.10"), null));
        var batch = outbox.Next();
        _counts.Count(new Caller(IPAddress.Parse("10.0.0.3"), null));

        Assert.Equal(["10.0.0.10", "10.0.0.2"], batch!.Entries.Select(entry => entry.Client));
        Assert.Same(batch, outbox.Next());
        Assert.Equal(3, outbox.Pending);

        outbox.Confirm();

        Assert.Equal((1, 2), (batch.Number, outbox.Next()!.Number));
        Assert.Equal("10.0.0.3", Assert.Single(outbox.Next()!.Entries).Client);
        outbox.Confirm();
        Assert.Null(outbox.Next());
        Assert.Equal(0, outbox.Pending);
    }

    [Fact]
    public void Next_MoreClientsThanABatchHolds_SplitsThem()
    {
        var outbox = new LedgerOutbox(_counts);
        for (var client = 0; client < LedgerOutbox.MaxBatch + 1; client++)
        {
            _counts.Count(new Caller(new IPAddress([10, 1, (byte)(client >> 8), (byte)client]), null));
        }

        Assert.Equal(LedgerOutbox.MaxBatch, outbox.Next()!.Entries.Count);
        outbox.Confirm();
        Assert.Single(outbox.Next()!.Entries);
    }
}
