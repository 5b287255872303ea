using Kiro.ServiceDefaults.Settings;
using Microsoft.Data.Sqlite;
using MySqlConnector;

namespace Kiro.Api.Database;

/// <summary>
/// The database: MySQL if <c>ConnectionStrings__kiro</c> or <c>MYSQL_HOST</c> is set, in this order, otherwise
/// the file <c>SQLITE_FILE</c>. Not a record, so that secrets cannot be printed accidentally.
/// </summary>
internal sealed class DatabaseOptions
{
    private DatabaseOptions(DatabaseKind kind, string connectionString)
    {
        Kind = kind;
        ConnectionString = connectionString;
    }

    public DatabaseKind Kind { get; }

    /// <summary>Includes the password.</summary>
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

    /// <summary>A server; unset timeouts get short values.</summary>
    public static DatabaseOptions MySql(MySqlConnectionStringBuilder server)
    {
        // Counts are buffered while the database does not respond, but the last flush must not take long.
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

    /// <summary>A file, created with its folder when first opened.</summary>
    public static DatabaseOptions Sqlite(string file)
    {
        // How long the provider retries if the file is locked; its default of 30 s is longer than the last flush may take.
        var embedded = new SqliteConnectionStringBuilder { DataSource = Path.GetFullPath(file), DefaultTimeout = 5 };
        return new DatabaseOptions(DatabaseKind.Sqlite, embedded.ConnectionString);
    }

    /// <summary>The default of <c>SQLITE_FILE</c>.</summary>
    /// <param name="cluster">Distinguishes several clusters of one user; null for the default one.</param>
    public static string DefaultFile(string? cluster = null)
    {
        // The user of a container may not have a home directory.
        var home = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return Path.Combine(home.Length > 0 ? home : Path.GetTempPath(), "kiro", cluster is null ? "kiro.db" : $"kiro-{cluster}.db");
    }
}

/// <summary>The kind of database.</summary>
internal enum DatabaseKind
{
    /// <summary>An embedded file shared by the nodes on one machine.</summary>
    Sqlite,

    /// <summary>A MySQL or MariaDB server.</summary>
    MySql,
}

internal static class DatabaseRegistration
{
    public static void AddDatabase(this IServiceCollection services, DatabaseOptions options)
    {
        services.AddSingleton<SqlDialect>(provider => options.Kind == DatabaseKind.MySql
            ? new MySqlDialect(options, provider.GetRequiredService<ILoggerFactory>())
            : new SqliteDialect(options));
        services.AddSingleton<DatabaseState>();
        services.AddSingleton<DatabaseAccess>();
        services.AddSingleton<SchemaMigration>();
        services.AddHostedService<DatabaseWatch>();
    }
}
