using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

/// <summary>Part of the build where Aspire.Hosting.MySql is (<c>KiroMySqlHosting</c>).</summary>
public sealed class MySqlContainerTests
{
    [Fact]
    public async Task AddDatabase_ByTheSwitch_IsAContainer()
    {
        var model = await AppHostModel.OfAsync(("MYSQL_CONTAINER", "1"));

        Assert.Equal(("kiro", "kiro_api"), model.OfType<MySqlDatabaseResource>().Select(database => (database.Name, database.DatabaseName)).Single());
    }
}
