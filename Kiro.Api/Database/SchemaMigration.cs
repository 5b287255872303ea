using System.Data.Common;
using Dapper;
using Kiro.Api.Logging;

namespace Kiro.Api.Database;

/// <summary>Brings the schema up to date; any number of nodes may start at once.</summary>
internal sealed class SchemaMigration(SqlDialect dialect, TimeProvider time, ILogger<SchemaMigration> logger)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await dialect.CreateMissingAsync(cancellationToken);
        var scripts = SchemaScript.For(dialect.Kind);
        await using var connection = await dialect.Source.OpenConnectionAsync(cancellationToken);
        // Without a need no lock is taken and no right to change tables is asked for.
        if (await VersionAsync(connection, null) >= scripts[^1].Version)
        {
            return;
        }

        await dialect.ExclusivelyAsync(connection, transaction => ApplyAsync(connection, transaction, scripts), cancellationToken);
    }

    private async Task ApplyAsync(DbConnection connection, DbTransaction? transaction, IReadOnlyList<SchemaScript> scripts)
    {
        var version = await VersionAsync(connection, transaction);
        foreach (var script in scripts.Where(script => script.Version > version))
        {
            await connection.ExecuteAsync(script.Sql, transaction: transaction);
            await connection.ExecuteAsync(
                "INSERT INTO schema_version (version, applied_at) VALUES (@Version, @Now)",
                new { script.Version, Now = time.GetUtcNow().ToUnixTimeMilliseconds() },
                transaction);
            Log.SchemaChanged(logger, script.Version);
        }
    }

    private async Task<int> VersionAsync(DbConnection connection, DbTransaction? transaction)
    {
        try
        {
            return await connection.ExecuteScalarAsync<int?>(
                "SELECT MAX(version) FROM schema_version", transaction: transaction) ?? 0;
        }
        catch (DbException problem) when (dialect.IsMissingTable(problem))
        {
            return 0;
        }
    }
}
