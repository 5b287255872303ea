using System.Globalization;
using Kiro.Api.Database;
using Kiro.Cluster.Settings;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using MySqlConnector;

namespace Kiro.Cluster.Nodes;

/// <summary>The database that the instances of this cluster share.</summary>
/// <param name="Text">For the report, without secrets.</param>
/// <param name="File">The instances' <c>SQLITE_FILE</c>; null for the user's value or their default.</param>
internal sealed record ClusterDatabase(string Text, string? File)
{
    private const string Variable = "SQLITE_FILE";

    /// <param name="configuration">The user's settings.</param>
    /// <param name="settings">The cluster to start.</param>
    /// <param name="tryFile">Creates and opens the embedded file as the instances will.</param>
    /// <exception cref="InvalidSettingsException">The embedded file can never be used.</exception>
    public static ClusterDatabase Of(IConfiguration configuration, ClusterSettings settings, bool tryFile = true)
    {
        // With the default ports, the file is the same as for an API started on its own.
        var file = string.IsNullOrWhiteSpace(configuration[Variable]) && settings.StartPort != ClusterSettings.DefaultStartPort
            ? DatabaseOptions.DefaultFile(settings.StartPort.ToString(CultureInfo.InvariantCulture))
            : null;
        var database = DatabaseOptions.Read(new SettingsReader(file is null ? configuration : With(configuration, file)));
        if (tryFile)
        {
            SqliteFile.ThrowIfUnusable(database);
        }

        return new ClusterDatabase(DatabaseText.Of(database), database.Kind == DatabaseKind.Sqlite ? file : null);
    }

    private static IConfigurationRoot With(IConfiguration configuration, string file) => new ConfigurationBuilder()
        .AddConfiguration(configuration)
        .AddInMemoryCollection(new Dictionary<string, string?> { [Variable] = file })
        .Build();
}

/// <summary>Describes the database without secrets.</summary>
internal static class DatabaseText
{
    public static string Of(DatabaseOptions database)
    {
        if (database.Kind == DatabaseKind.Sqlite)
        {
            return $"embedded SQLite file {new SqliteConnectionStringBuilder(database.ConnectionString).DataSource}";
        }

        var server = new MySqlConnectionStringBuilder(database.ConnectionString);
        return $"MySQL at {server.Server}:{server.Port}/{server.Database}";
    }
}
