using System.Diagnostics.Metrics;
using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

/// <summary>The meter <c>Kiro.Api</c>. All instruments are observable, so that they exist before the first event.</summary>
internal sealed class ApiMetrics
{
    private long _written;
    private long _flushes;
    private long _failures;

    public ApiMetrics(IMeterFactory factory, LedgerOutbox outbox, LedgerCounts counts, DatabaseState database)
    {
        var meter = factory.Create("Kiro.Api");
        meter.CreateObservableCounter("kiro.api.ledger.counted", () => counts.Total, "{request}", "Requests counted.");
        meter.CreateObservableGauge("kiro.api.ledger.pending", () => outbox.Pending, "{request}", "Requests counted but not yet written.");
        meter.CreateObservableGauge("kiro.api.database.up", () => database.IsUp ? 1 : 0, null, "1 while the database is available, otherwise 0.");
        meter.CreateObservableCounter("kiro.api.ledger.written", () => Interlocked.Read(ref _written), "{request}", "Requests written to the ledger.");
        meter.CreateObservableCounter("kiro.api.ledger.flushes", () => Interlocked.Read(ref _flushes), "{flush}", "Batches written to the ledger.");
        meter.CreateObservableCounter("kiro.api.ledger.flush_failures", () => Interlocked.Read(ref _failures), "{flush}", "Failed attempts to write a batch.");
    }

    public void Flushed(long requests)
    {
        Interlocked.Increment(ref _flushes);
        Interlocked.Add(ref _written, requests);
    }

    public void FlushFailed() => Interlocked.Increment(ref _failures);
}
