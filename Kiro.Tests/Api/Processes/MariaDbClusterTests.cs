using System.Globalization;
using Kiro.Api.Database;
using Kiro.Tests.Support;
using MySqlConnector;

namespace Kiro.Tests.Api.Processes;

[Collection(SharesMariaDb.Name)]
public sealed class MariaDbClusterTests(MariaDb server)
{
    private readonly string _database = MariaDb.NewDatabase();

    [Fact]
    public async Task Ledger_FiveNodesOnAnEmptyServer_CountsEveryRequestOnce()
    {
        await server.ReadyAsync();
        await using var cluster = Cluster(5);
        await cluster.AllAsync("ok");
        await cluster.AllKnowEachOtherAsync();

        await cluster.SendAsync(2000);
        await cluster.StopAsync();

        await AssertExactAsync(cluster);
        Assert.All(cluster.Nodes, node => Assert.DoesNotContain(MariaDb.Password, node.Process.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ledger_ServerRestartsUnderLoad_FailsNoRequestAndCountsAll(bool kill)
    {
        await server.ReadyAsync();
        await using var cluster = Cluster(2);
        await cluster.AllAsync("ok");

        var running = true;
        var sending = cluster.SendAsync(() => Volatile.Read(ref running));
        await server.StopAsync(kill);
        await cluster.AllAsync("degraded");
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        await server.StartAsync();
        await cluster.AllAsync("ok");
        Volatile.Write(ref running, false);
        await sending;
        await cluster.StopAsync();

        await AssertExactAsync(cluster);
    }

    [Fact]
    public async Task Health_ServerHangs_IsDegradedAndServes()
    {
        await server.ReadyAsync();
        await using var cluster = Cluster(1);
        await cluster.AllAsync("ok");

        server.Freeze(true);
        try
        {
            await cluster.SendAsync(100);
            await cluster.AllAsync("degraded");
            await cluster.SendAsync(100);
            using var clients = await cluster.Nodes[0].GetAsync("/api/clients", ("X-Forwarded-For", "203.0.113.0"));
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, clients.StatusCode);
        }
        finally
        {
            server.Freeze(false);
        }

        await cluster.AllAsync("ok");
        await cluster.StopAsync();
        Assert.Equal(cluster.Sent + 1, (await cluster.TotalsAsync()).Requests);
    }

    [Fact]
    public async Task Health_WrongPassword_IsDegradedWithTheReasonAndRecovers()
    {
        await server.ReadyAsync();
        var user = "u" + _database[5..20];
        await server.ExecuteAsync($"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY 'another'");
        await server.ExecuteAsync($"GRANT ALL ON {_database}.* TO '{user}'@'127.0.0.1'");
        await using var node = new ApiNode(
            ("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", Text(server.Port)), ("MYSQL_USER", user),
            ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", _database));

        await Eventually.BeTrue(
            async () => (await node.JsonAsync("/health")).GetProperty("reason").GetString()!.Contains("Access denied", StringComparison.Ordinal),
            "the reason is given");
        var health = await node.HealthAsync("degraded");
        Assert.Equal("down", health.GetProperty("database").GetString());
        Assert.Contains(user, health.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(MariaDb.Password, health.GetRawText(), StringComparison.Ordinal);

        var password = MariaDb.Password.Replace("'", "''", StringComparison.Ordinal);
        await server.ExecuteAsync($"ALTER USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'");

        Assert.Equal("up", (await node.HealthAsync("ok")).GetProperty("database").GetString());
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task AssertExactAsync(ClusterScenario cluster)
    {
        Assert.Equal(0, cluster.Failed);
        Assert.Equal(cluster.Sent, (await cluster.TotalsAsync()).Requests);
    }

    private ClusterScenario Cluster(int size) => new(
        DatabaseOptions.MySql(new MySqlConnectionStringBuilder(server.ConnectionString(_database))), size,
        ("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", Text(server.Port)), ("MYSQL_USER", MariaDb.User),
        ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", _database));
}
