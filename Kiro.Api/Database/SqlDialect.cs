using System.Data.Common;

namespace Kiro.Api.Database;

/// <summary>The differences between the two databases; all other SQL is shared.</summary>
internal abstract class SqlDialect : IAsyncDisposable
{
    /// <summary><c>mysql</c> or <c>sqlite</c>: shown in /health, and the folder of the schema scripts.</summary>
    public abstract string Kind { get; }

    /// <summary>The server's address or the file, for messages, without the rest of the connection string.</summary>
    public abstract string Place { get; }

    public abstract DbDataSource Source { get; }

    /// <summary>Ends a multi-row INSERT into clients.</summary>
    public abstract string MergeClients { get; }

    /// <summary>Begins an INSERT that does nothing if the row exists.</summary>
    public abstract string InsertIfNew { get; }

    /// <summary>Closes pooled connections, which may refer to outdated privileges, databases or files.</summary>
    public abstract ValueTask ForgetConnectionsAsync();

    /// <summary>Creates what is needed to open a connection: a folder, a database.</summary>
    public abstract Task CreateMissingAsync(CancellationToken cancellationToken);

    /// <summary>Runs work under a lock across all nodes, in a transaction if DDL is transactional.</summary>
    public abstract Task ExclusivelyAsync(
        DbConnection connection, Func<DbTransaction?, Task> work, CancellationToken cancellationToken);

    /// <summary>Whether the transaction lost a deadlock and can be retried.</summary>
    public abstract bool IsDeadlock(DbException problem);

    public abstract bool IsMissingTable(DbException problem);

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
