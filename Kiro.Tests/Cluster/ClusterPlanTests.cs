using Kiro.Cluster.Nodes;
using Kiro.Cluster.Settings;

namespace Kiro.Tests.Cluster;

public class ClusterPlanTests
{
    private static readonly IgnoredSettings Nothing = new([], [], []);

    [Fact]
    public void Of_ThreeInstances_HaveConsecutiveNamesAndPorts()
    {
        var nodes = ClusterPlan.Of(new ClusterSettings(3, 14000, null), Nothing);

        Assert.Equal(["api-1:14000", "api-2:14001", "api-3:14002"], nodes.Select(node => $"{node.Name}:{node.Port}"));
        Assert.All(nodes, node => Assert.Equal((node.Name, $"{node.Port}"), (node.Environment["NODE_NAME"], node.Environment["PORT"])));
    }

    [Fact]
    public void Of_DatabaseFile_IsForTheInstancesOnly()
    {
        var nodes = ClusterPlan.Of(new ClusterSettings(3, 14000, 13999), Nothing, "/data/kiro-14000.db");

        Assert.All(nodes, node => Assert.Equal(node.IsBalancer ? null : "/data/kiro-14000.db", node.Environment.GetValueOrDefault("SQLITE_FILE")));
    }

    [Theory]
    [InlineData("", 13004, null)]
    [InlineData("", 14004, "kiro-14004.db")]
    [InlineData("MYSQL_HOST=127.0.0.1", 14004, null)]
    [InlineData("SQLITE_FILE={0}", 14004, null)]
    public void ClusterDatabase_Embedded_DependsOnTheStartPort(string variables, int startPort, string? file)
    {
        var own = Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "own.db");

        var database = ClusterDatabase.Of(
            Variables.Of(variables.Replace("{0}", own, StringComparison.Ordinal)), new ClusterSettings(3, startPort, 13003), tryFile: false);

        Assert.Equal(file, Path.GetFileName(database.File));
        Assert.Contains(file ?? (variables.Length == 0 ? "kiro.db" : variables[0] == 'M' ? "MySQL" : "own.db"), database.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_Balancer_FrontsTheInstancesWhateverIsSet()
    {
        var settings = new ClusterSettings(3, 14000, 13999);
        var ignored = IgnoredSettings.Find(
            Variables.Of("BACKEND_HOSTS=a:1;BACKEND_COUNT=9;BACKEND_START_PORT=14000;services__api__http__0=http://a"), settings);

        var balancer = Assert.Single(ClusterPlan.Of(settings, ignored), node => node.IsBalancer);

        Assert.Equal(["BACKEND_HOSTS", "BACKEND_COUNT", "services__api__http__0"], ignored.Named);
        Assert.Equal(new Dictionary<string, string?>
        {
            ["BALANCER_PORT"] = "13999",
            ["BACKEND_START_PORT"] = "14000",
            ["BACKEND_COUNT"] = "3",
            ["BACKEND_HOSTS"] = "",
            ["BACKEND_DNS"] = "",
            ["services__api__http__0"] = null,
        }, balancer.Environment);
    }

    [Fact]
    public void Find_NothingSet_NamesNothing() =>
        Assert.Empty(IgnoredSettings.Find(Variables.Of("BACKEND_HOSTS=;BACKEND_DNS="), new ClusterSettings(5, 13004, 13003)).Named);
}
