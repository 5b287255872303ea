using Kiro.Api.Database;
using Kiro.Cluster.Nodes;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Tests.Cluster;

public class ClusterDatabaseTests
{
    [Theory]
    [InlineData("MYSQL_HOST=db.example;MYSQL_PASSWORD=s3cret", "MySQL at db.example:13306/kiro_api")]
    [InlineData("MYSQL_HOST=db;MYSQL_PORT=3307;MYSQL_DATABASE=shop;MYSQL_USER=s3cret", "MySQL at db:3307/shop")]
    public void Of_Server_ShowsNoCredentials(string variables, string expected) => Assert.Equal(expected, Text(variables));

    [Fact]
    public void Of_NoServer_ShowsTheFile()
    {
        var file = Path.Combine(Path.GetTempPath(), "kiro-text.db");

        Assert.Equal($"embedded SQLite file {file}", Text($"SQLITE_FILE={file}"));
    }

    private static string Text(string variables) =>
        DatabaseText.Of(DatabaseOptions.Read(new SettingsReader(Variables.Of(variables))));
}
