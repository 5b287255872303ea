using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

/// <summary>Compiled only with Aspire.Hosting.MySql (<c>KiroMySqlHosting</c>).</summary>
public sealed class MySqlContainerTests
{
    [Fact]
    public async Task AddDatabase_MySqlContainerSet_IsAContainer()
    {
        var model = await AppHostModel.OfAsync(("MYSQL_CONTAINER", "1"));

        Assert.Equal(("kiro", "kiro_api"), model.OfType<MySqlDatabaseResource>().Select(database => (database.Name, database.DatabaseName)).Single());
    }
}
