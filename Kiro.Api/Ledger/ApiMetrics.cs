using System.Diagnostics.Metrics;
using Kiro.Api.Database;

namespace Kiro.Api.Ledger;

/// <summary>The meter <c>Kiro.Api</c>.</summary>
internal sealed class ApiMetrics
{
    private readonly Counter<long> _written;
    private readonly Counter<long> _flushes;
    private readonly Counter<long> _failures;

    public ApiMetrics(IMeterFactory factory, LedgerOutbox outbox, LedgerCounts counts, DatabaseState database)
    {
        var meter = factory.Create("Kiro.Api");
        meter.CreateObservableCounter("kiro.api.ledger.counted", () => counts.Total, "{request}", "Requests counted.");
        meter.CreateObservableGauge("kiro.api.ledger.pending", () => outbox.Pending, "{request}", "Requests counted and not yet written.");
        meter.CreateObservableGauge("kiro.api.database.up", () => database.IsUp ? 1 : 0, null, "1 while the database answers, else 0.");
        _written = meter.CreateCounter<long>("kiro.api.ledger.written", "{request}", "Requests written to the ledger.");
        _flushes = meter.CreateCounter<long>("kiro.api.ledger.flushes", "{flush}", "Batches written to the ledger.");
        _failures = meter.CreateCounter<long>("kiro.api.ledger.flush_failures", "{flush}", "Attempts to write a batch that failed.");
    }

    public void Flushed(long requests)
    {
        _flushes.Add(1);
        _written.Add(requests);
    }

    public void FlushFailed() => _failures.Add(1);
}
