using Kiro.AppHost.Tests.Support;
using MySqlConnector;

namespace Kiro.AppHost.Tests.Model;

public sealed class DatabaseTests
{
    [Theory]
    [InlineData("simple")]
    [InlineData("p;q 'r\" s=%t ")]
    [InlineData("{0}\\\"\"'")]
    [InlineData("")]
    public async Task ConnectionString_OfAServer_KeepsThePassword(string password)
    {
        var model = await AppHostModel.OfAsync(("MYSQL_HOST", "db.example"), ("MYSQL_USER", "kiro"), ("MYSQL_PASSWORD", password), ("MYSQL_DATABASE", "a b"));
        var text = (await model.EnvironmentAsync("api-2"))["ConnectionStrings__kiro"];
        var connection = new MySqlConnectionStringBuilder(text);

        Assert.Equal(("db.example", 13306u, "kiro", password, "a b"), (connection.Server, connection.Port, connection.UserID, connection.Password, connection.Database));
        Assert.True(model.OfType<ParameterResource>().Single(parameter => parameter.Name == "mysql-password").Secret);
    }

    [Fact]
    public async Task AddDatabase_HostAndContainer_UsesTheHost()
    {
        var model = await AppHostModel.OfAsync(("MYSQL_CONTAINER", "1"), ("MYSQL_HOST", "db.example"));

        Assert.Equal("kiro", Assert.Single(model.OfType<IResourceWithConnectionString>()).Name);
        Assert.Empty(model.OfType<ContainerResource>());
    }
}
