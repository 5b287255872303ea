using Kiro.Api.Database;
using Kiro.Api;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;
using MySqlConnector;

namespace Kiro.Tests.Api.Settings;

public sealed class ApiSettingsTests
{
    [Fact]
    public void Read_NothingSet_UsesTheDefaults()
    {
        var settings = Read();

        Assert.Equal(13004, settings.Api.Listen.Port);
        Assert.Equal(System.Net.Dns.GetHostName(), settings.Api.NodeName);
        Assert.Equal(DatabaseKind.Sqlite, settings.Database.Kind);
        Assert.Contains(Path.Combine("kiro", "kiro.db"), settings.Database.ConnectionString, StringComparison.Ordinal);
        Assert.Equal(["127.0.0.0/8", "::1/128"], settings.Callers.TrustedProxies.Select(network => network.ToString()));
        Assert.Equal(TimeSpan.FromSeconds(1), settings.Ledger.Interval);
        Assert.Equal(TimeSpan.FromSeconds(5), settings.Nodes.Heartbeat);
    }

    [Theory]
    [InlineData("PORT", "70000", "PORT=70000 is not valid: expected a whole number from 1 to 65535.")]
    [InlineData("MYSQL_PORT", "x", "MYSQL_PORT=x is not valid: expected a whole number from 1 to 65535.")]
    [InlineData("LEDGER_INTERVAL", "0", "LEDGER_INTERVAL=0 is not valid: expected a number from 0.05 to 3600.")]
    [InlineData("HEARTBEAT_INTERVAL", "often", "HEARTBEAT_INTERVAL=often is not valid: expected a number from 0.1 to 3600.")]
    [InlineData("TRUSTED_PROXIES", "10.0.0.0/99", "TRUSTED_PROXIES=10.0.0.0/99 is not valid: expected addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; 10.0.0.0/99 is neither.")]
    [InlineData("TRUSTED_PROXIES", "::1,10/8", "TRUSTED_PROXIES=::1,10/8 is not valid: expected addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; 10/8 is neither.")]
    [InlineData("TRUSTED_PROXIES", "proxy.local", "TRUSTED_PROXIES=proxy.local is not valid: expected addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; proxy.local is neither.")]
    [InlineData("ConnectionStrings:kiro", "s3cret", "ConnectionStrings__kiro is not valid (its value is not shown): expected a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=….")]
    [InlineData("ConnectionStrings:kiro", "Server=db;Pasword=s3cret", "ConnectionStrings__kiro is not valid (its value is not shown): expected a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=….")]
    [InlineData("ConnectionStrings:kiro", "Password=s3cret", "ConnectionStrings__kiro is not valid (its value is not shown): expected a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=….")]
    [InlineData("ConnectionStrings:kiro", "Server=db;Port=x;Password=s3cret", "ConnectionStrings__kiro is not valid (its value is not shown): expected a MySQL connection string such as Server=…;Port=…;User ID=…;Password=…;Database=….")]
    public void Read_InvalidValue_IsOneLineThatNamesIt(string name, string value, string line)
    {
        var problem = Assert.Throws<InvalidSettingsException>(() => Read((name, value)));

        Assert.Equal([line], problem.Lines);
    }

    [Fact]
    public void Read_SeveralInvalidValues_NamesThemAll()
    {
        var problem = Assert.Throws<InvalidSettingsException>(() => Read(("PORT", "0"), ("DRAIN_DELAY", "-1"), ("MYSQL_PORT", "a")));

        Assert.Equal(3, problem.Lines.Count);
    }

    [Theory]
    [InlineData("10.0.0.5", "10.0.0.5/32")]
    [InlineData("fd00::1", "fd00::1/128")]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData(" 192.168.0.0/16 , ", "192.168.0.0/16")]
    public void Read_TrustedProxy_IsANetwork(string value, string network) =>
        Assert.Equal([network], Read(("TRUSTED_PROXIES", value)).Callers.TrustedProxies.Select(trusted => trusted.ToString()));

    [Fact]
    public void Read_TrustedProxiesNone_IsEmpty() =>
        Assert.Empty(Read(("TRUSTED_PROXIES", "none")).Callers.TrustedProxies);

    [Theory]
    [InlineData("a;b'c\"d e")]
    [InlineData(" begins and ends with a space ")]
    [InlineData("Server=elsewhere;Port=1")]
    public void Read_PasswordWithSpecialCharacters_IsKept(string password)
    {
        var database = Read(("MYSQL_HOST", "db"), ("MYSQL_PASSWORD", password)).Database;

        var server = new MySqlConnectionStringBuilder(database.ConnectionString);
        Assert.Equal(DatabaseKind.MySql, database.Kind);
        Assert.Equal(("db", 13306u, "root", password, "kiro_api"),
            (server.Server, server.Port, server.UserID, server.Password, server.Database));
    }

    [Fact]
    public void Read_ConnectionStringAndHost_TakesTheConnectionString()
    {
        var database = Read(("ConnectionStrings:kiro", "Server=one;Connection Timeout=9"), ("MYSQL_HOST", "two")).Database;

        var server = new MySqlConnectionStringBuilder(database.ConnectionString);
        Assert.Equal(("one", "kiro_api", 9u, 8u),
            (server.Server, server.Database, server.ConnectionTimeout, server.DefaultCommandTimeout));
    }

    private static ApiSettings Read(params (string Name, string Value)[] values) =>
        ApiSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(
            values.Select(value => KeyValuePair.Create(value.Name, (string?)value.Value))).Build());
}
