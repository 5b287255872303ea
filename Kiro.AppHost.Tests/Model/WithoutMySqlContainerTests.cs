using Kiro.AppHost.Tests.Support;

namespace Kiro.AppHost.Tests.Model;

/// <summary>Compiled only without Aspire.Hosting.MySql (<c>KiroMySqlHosting=false</c>).</summary>
public sealed class WithoutMySqlContainerTests
{
    [Fact]
    public async Task Start_MySqlContainerSet_IsOneLineThatNamesTheBuildProperty()
    {
        var (code, output) = await Publisher.RunAsync("--MYSQL_CONTAINER=1", "--MYSQL_HOST=");

        Assert.Equal(1, code);
        var line = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("MYSQL_CONTAINER=1", line, StringComparison.Ordinal);
        Assert.Contains("KiroMySqlHosting=true", line, StringComparison.Ordinal);
    }
}
