using Kiro.Api.Database;

namespace Kiro.Tests.Api.Processes;

public sealed class SqliteClusterTests
{
    [Fact]
    public async Task Ledger_FiveNodesShareAFile_CountsEveryRequestOnce()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db");
        await using var cluster = new ClusterScenario(DatabaseOptions.Sqlite(file), 5, ("SQLITE_FILE", file));
        await cluster.AllAsync("ok");
        await cluster.AllKnowEachOtherAsync();

        await cluster.SendAsync(2000);
        await cluster.StopAsync();

        Assert.Equal(0, cluster.Failed);
        var totals = await cluster.TotalsAsync();
        Assert.Equal((250, cluster.Sent), (totals.Clients, totals.Requests));
        Assert.All(cluster.Nodes, node => Assert.DoesNotContain("fail:", node.Process.Output, StringComparison.Ordinal));
    }
}
