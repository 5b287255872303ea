using Kiro.Api.Database;

namespace Kiro.Tests.Api.Database;

public sealed class SqliteDatabaseTests : DatabaseTests
{
    // The folder is not there yet either.
    private protected override Task<DatabaseOptions> CreateAsync() => Task.FromResult(DatabaseOptions.Sqlite(
        Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "a folder", "kiro.db")));
}
