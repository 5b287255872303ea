using System.Data.Common;
using System.Globalization;
using Dapper;
using Kiro.Api.Logging;

namespace Kiro.Api.Database;

/// <summary>Migrates the schema; any number of nodes may start simultaneously.</summary>
internal sealed class SchemaMigration(SqlDialect dialect, TimeProvider time, ILogger<SchemaMigration> logger)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await dialect.CreateMissingAsync(cancellationToken);
        var scripts = SchemaScript.For(dialect.Kind);
        await using var connection = await dialect.Source.OpenConnectionAsync(cancellationToken);
        // If the schema is current, neither a lock nor the privilege to alter tables is needed.
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

/// <summary>A migration step: <c>Schema/{kind}/{number}-{name}.sql</c>. Released scripts are never changed.</summary>
internal sealed record SchemaScript(int Version, string Sql)
{
    public static IReadOnlyList<SchemaScript> For(string kind)
    {
        var assembly = typeof(SchemaScript).Assembly;
        var folder = $"schema/{kind}/";
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(folder, StringComparison.Ordinal))
            .Select(name => new SchemaScript(Number(name[folder.Length..]), Read(name)))
            .OrderBy(script => script.Version)];

        string Read(string name)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }
    }

    private static int Number(string file) =>
        int.Parse(file.AsSpan(0, file.IndexOf('-', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
}
