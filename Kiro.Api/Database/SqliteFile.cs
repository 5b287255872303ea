using Kiro.ServiceDefaults.Settings;
using Microsoft.Data.Sqlite;

namespace Kiro.Api.Database;

/// <summary>
/// Checks the embedded file at startup: a path that can never work prevents the start, temporary problems
/// (a lock, a full disk) do not.
/// </summary>
internal static class SqliteFile
{
    /// <exception cref="InvalidSettingsException">The file cannot be used.</exception>
    public static void ThrowIfUnusable(DatabaseOptions options)
    {
        if (options.Kind == DatabaseKind.Sqlite
            && new SqliteConnectionStringBuilder(options.ConnectionString).DataSource is var file && Problem(file) is { } problem)
        {
            var place = EnvironmentFile.PlaceOf("SQLITE_FILE") is { } line ? $" in {line}," : "";
            throw new InvalidSettingsException([$"SQLITE_FILE={file}{place} cannot be used: {problem}."]);
        }
    }

    private static string? Problem(string file)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file) ?? file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return $"its folder cannot be created ({problem.Message.TrimEnd('.')})";
        }

        if (Directory.Exists(file))
        {
            return "it is a folder, expected a file";
        }

        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 1 }.ConnectionString);
            connection.Open();
            using var command = connection.CreateCommand();
            // The first statement checks the format of the file, the second whether it is writable.
            command.CommandText = "SELECT COUNT(*) FROM sqlite_master; BEGIN IMMEDIATE; ROLLBACK;";
            command.ExecuteNonQuery();
            return null;
        }
        catch (SqliteException problem)
        {
            return problem.SqliteErrorCode switch
            {
                SQLitePCL.raw.SQLITE_NOTADB => "it is not an SQLite database",
                SQLitePCL.raw.SQLITE_CORRUPT => "the database is corrupt",
                SQLitePCL.raw.SQLITE_CANTOPEN or SQLitePCL.raw.SQLITE_AUTH or SQLitePCL.raw.SQLITE_PERM => "it cannot be opened",
                SQLitePCL.raw.SQLITE_READONLY => "it is not writable",
                _ => null,
            };
        }
    }
}
