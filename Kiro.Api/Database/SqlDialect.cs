using System.Data.Common;

namespace Kiro.Api.Database;

/// <summary>What differs between the two databases; all other SQL is the same for both.</summary>
internal abstract class SqlDialect : IAsyncDisposable
{
    /// <summary><c>mysql</c> or <c>sqlite</c>: shown in /health, and the folder of the schema's scripts.</summary>
    public abstract string Kind { get; }

    /// <summary>Which database it is, for people: a server's address or a file, and nothing else of the connection string.</summary>
    public abstract string Place { get; }

    public abstract DbDataSource Source { get; }

    /// <summary>Ends a multi-row INSERT into clients.</summary>
    public abstract string MergeClients { get; }

    /// <summary>Begins an INSERT that does nothing when the row is there.</summary>
    public abstract string InsertIfNew { get; }

    /// <summary>Closes the kept connections: they may remember rights, a database or a file that are no longer.</summary>
    public abstract ValueTask ForgetConnectionsAsync();

    /// <summary>Creates what has to be there before a connection can be opened: a folder, a database.</summary>
    public abstract Task CreateMissingAsync(CancellationToken cancellationToken);

    /// <summary>Does work that no other node may do at the same time, inside a transaction where DDL knows them.</summary>
    public abstract Task ExclusivelyAsync(
        DbConnection connection, Func<DbTransaction?, Task> work, CancellationToken cancellationToken);

    /// <summary>Another transaction stood in the way of this one; at the next try it will be gone.</summary>
    public abstract bool IsDeadlock(DbException problem);

    public abstract bool IsMissingTable(DbException problem);

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
