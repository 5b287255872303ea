using Kiro.Api.Database;
using Kiro.Tests.Support;
using MySqlConnector;

namespace Kiro.Tests.Api.Database;

[Collection(SharesMariaDb.Name)]
public sealed class MariaDbDatabaseTests(MariaDb server) : DatabaseTests
{
    private protected override async Task<DatabaseOptions> CreateAsync()
    {
        await server.ReadyAsync();
        return DatabaseOptions.MySql(new MySqlConnectionStringBuilder(server.ConnectionString(MariaDb.NewDatabase())) { Pooling = true });
    }
}
