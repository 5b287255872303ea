using Kiro.ServiceDefaults.Settings;
using MySqlConnector;

namespace Kiro.Api.Database;

/// <summary>Parses the user's connection string.</summary>
internal static class MySqlText
{
    private const string Expected = "a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=…";

    public static DatabaseOptions Read(SettingsReader settings, string text, string database)
    {
        var server = Parse(text);
        if (server is null || string.IsNullOrWhiteSpace(server.Server))
        {
            settings.RejectSecret("ConnectionStrings__kiro", Expected);
            server = new MySqlConnectionStringBuilder();
        }

        if (string.IsNullOrEmpty(server.Database))
        {
            server.Database = database;
        }

        return DatabaseOptions.MySql(server);
    }

    private static MySqlConnectionStringBuilder? Parse(string text)
    {
        try
        {
            return new MySqlConnectionStringBuilder(text);
        }
        catch (Exception problem) when (problem is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            return null;
        }
    }
}
