using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>The database stops under load.</summary>
[Collection(SharesDocker.Name)]
public sealed class DatabaseFaultTests
{
    [Fact]
    public async Task Stop_ForAMinute_FailsNoRequestAndCountsAll()
    {
        await using var server = new MariaDb();
        await server.ReadyAsync();
        await using var cluster = await ProcessCluster.StartAsync(database: new()
        {
            ["MYSQL_HOST"] = "127.0.0.1",
            ["MYSQL_PORT"] = server.Port.ToString(CultureInfo.InvariantCulture),
            ["MYSQL_USER"] = MariaDb.User,
            ["MYSQL_PASSWORD"] = MariaDb.Password,
            ["MYSQL_DATABASE"] = MariaDb.NewDatabase(),
        });
        await using var load = new Load(cluster.Port);
        await Load.For(3);
        var fault = load.Now;
        await server.StopAsync();
        await Load.For(60);
        await server.StartAsync();
        await Load.For(8);

        var report = new FaultReport(await load.StopAsync(), fault);
        var sum = await cluster.LedgerSumAsync();
        report.Note("database stopped for a minute", 0, $", ledger {sum} of {report.Successes}");

        report.AssertNoFailure();
        Assert.Empty(report.Moved);
        Assert.Equal(report.Requests, sum);
    }
}
