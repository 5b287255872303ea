using Kiro.Api.Database;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Api.Database;

/// <summary>The database layer of a node, without the rest of it.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly SqlDialect _dialect;

    public TestNode(DatabaseOptions options, string name, TimeProvider time)
    {
        _dialect = options.Kind == DatabaseKind.MySql
            ? new MySqlDialect(options, NullLoggerFactory.Instance)
            : new SqliteDialect(options);
        Identity = new NodeIdentity(name, Guid.NewGuid().ToString(), "10.0.0.1:13004", "0.1.0", time.GetUtcNow(), time.GetTimestamp());
        State = new DatabaseState(_dialect, time, NullLogger<DatabaseState>.Instance);
        var access = new DatabaseAccess(_dialect, State);
        Schema = new SchemaMigration(_dialect, time, NullLogger<SchemaMigration>.Instance);
        Ledger = new LedgerStore(_dialect, access, Identity, time);
        Nodes = new NodeStore(access, Identity, new NodeOptions(TimeSpan.FromSeconds(5)), time);
    }

    public NodeIdentity Identity { get; }

    public DatabaseState State { get; }

    public SchemaMigration Schema { get; }

    public LedgerStore Ledger { get; }

    public NodeStore Nodes { get; }

    public ValueTask DisposeAsync() => _dialect.DisposeAsync();
}
