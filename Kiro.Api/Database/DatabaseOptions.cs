using Kiro.ServiceDefaults.Settings;
using Microsoft.Data.Sqlite;
using MySqlConnector;

namespace Kiro.Api.Database;

/// <summary>
/// Which database: MySQL when <c>ConnectionStrings__kiro</c> or <c>MYSQL_HOST</c> is set, in this order, otherwise
/// the file <c>SQLITE_FILE</c>. Not a record: nothing may print it.
/// </summary>
internal sealed class DatabaseOptions
{
    private DatabaseOptions(DatabaseKind kind, string connectionString)
    {
        Kind = kind;
        ConnectionString = connectionString;
    }

    public DatabaseKind Kind { get; }

    /// <summary>Holds the password.</summary>
    public string ConnectionString { get; }

    public static DatabaseOptions Read(SettingsReader settings)
    {
        var server = new MySqlConnectionStringBuilder
        {
            Server = settings.Text("MYSQL_HOST") ?? "",
            Port = (uint)settings.Port("MYSQL_PORT", 13306),
            UserID = settings.Text("MYSQL_USER", "root"),
            Password = settings.Secret("MYSQL_PASSWORD") ?? "",
            Database = settings.Text("MYSQL_DATABASE", "kiro_api"),
        };
        return settings.Text("ConnectionStrings:kiro") is { } text ? MySqlText.Read(settings, text, server.Database)
            : server.Server.Length > 0 ? MySql(server)
            : Sqlite(settings.Text("SQLITE_FILE") ?? DefaultFile());
    }

    /// <summary>A server; timeouts that are not set are short ones.</summary>
    public static DatabaseOptions MySql(MySqlConnectionStringBuilder server)
    {
        // A node that waits for its database keeps counts in memory meanwhile, but its last flush is not to take long.
        if (!server.ContainsKey("Connection Timeout"))
        {
            server.ConnectionTimeout = 3;
        }

        if (!server.ContainsKey("Default Command Timeout"))
        {
            server.DefaultCommandTimeout = 8;
        }

        return new DatabaseOptions(DatabaseKind.MySql, server.ConnectionString);
    }

    /// <summary>A file, created with its folder when it is first opened.</summary>
    public static DatabaseOptions Sqlite(string file)
    {
        // The provider repeats what finds the file locked for this long; its 30 s would outlast the last flush.
        var embedded = new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(file), DefaultTimeout = 5 };
        return new DatabaseOptions(DatabaseKind.Sqlite, embedded.ConnectionString);
    }

    /// <summary>Where the embedded file is unless <c>SQLITE_FILE</c> says otherwise.</summary>
    /// <param name="cluster">Tells several clusters of a user apart; null for the usual one.</param>
    public static string DefaultFile(string? cluster = null)
    {
        // A container's user may have no home.
        var home = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), "kiro", cluster is null ? "kiro.db" : $"kiro-{cluster}.db");
    }
}

/// <summary>Where the cluster's memory lives.</summary>
internal enum DatabaseKind
{
    /// <summary>An embedded file that the nodes of one machine share.</summary>
    Sqlite,

    /// <summary>A server, MySQL or MariaDB.</summary>
    MySql,
}
