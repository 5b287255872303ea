using System.Globalization;
using System.Net.Sockets;
using System.Net;
using Kiro.Tests.Support;
using Microsoft.Data.Sqlite;

namespace Kiro.Tests.Api.Processes;

public sealed class StartTests
{
    [Fact]
    public async Task Start_PortInUse_IsOneLineThatNamesIt()
    {
        using var taken = new TcpListener(IPAddress.IPv6Any, FreePort.Next());
        taken.Server.DualMode = true;
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

        await using var node = new ApiNode(("PORT", port));

        Assert.Equal(1, await node.Process.ExitCode());
        Assert.Contains($"PORT={port} is in use by another process.", Lines(node));
    }

    [Fact]
    public async Task Start_InvalidSettings_AreOneLineEach()
    {
        await using var node = new ApiNode(
            ("TRUSTED_PROXIES", "10.0.0.0/99"), ("ConnectionStrings__kiro", "s3cret"), ("HEARTBEAT_INTERVAL", "never"));

        Assert.Equal(1, await node.Process.ExitCode());
        Assert.Equal(3, Lines(node).Length);
        Assert.DoesNotContain("s3cret", node.Process.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a-file/kiro.db", "its folder cannot be created")]
    [InlineData("a-file", "it is not an SQLite database")]
    [InlineData("a-folder", "it is a folder, expected a file")]
    public async Task Start_UnusableDatabaseFile_IsOneLine(string path, string problem)
    {
        var folder = Directory.CreateTempSubdirectory("kiro-test-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "a-folder"));
        await File.WriteAllTextAsync(Path.Combine(folder, "a-file"), new string('x', 5000), TestContext.Current.CancellationToken);
        var file = Path.Combine(folder, path);

        await using var node = new ApiNode(("SQLITE_FILE", file));

        Assert.Equal(1, await node.Process.ExitCode());
        var line = Assert.Single(Lines(node));
        Assert.StartsWith($"SQLITE_FILE={file} cannot be used: {problem}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DatabaseIsLocked_ServesDegradedUntilItIsReleased()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("kiro-test-").FullName, "kiro.db");
        await using var other = new SqliteConnection($"Data Source={file};Pooling=False");
        await other.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);

        await using var node = new ApiNode(("SQLITE_FILE", file));

        await node.HealthAsync("degraded");
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await node.HealthAsync("ok");
    }

    [Fact]
    public async Task Start_DatabaseIsUnreachable_ServesDegraded()
    {
        var port = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        await using var node = new ApiNode(("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", port));

        await Eventually.BeTrue(
            async () => (await node.JsonAsync("/health")).GetProperty("reason").GetString()
                == $"MySQL at 127.0.0.1:{port}: Unable to connect to any of the specified MySQL hosts.",
            "the reason is given");
        Assert.True(await node.RequestAsAsync("203.0.113.7"));
        using var clients = await node.GetAsync("/api/clients");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, clients.StatusCode);
        Assert.Equal("down", (await node.JsonAsync("/api/nodes")).GetProperty("database").GetString());

        // Shutdown waits a while to write the counts, logs that it could not, and exits with 0.
        node.Process.Signal("INT");
        Assert.Equal(0, await node.Process.ExitCode());
        Assert.Contains("could not be written to the ledger before shutdown: 3.", node.Process.Output, StringComparison.Ordinal);
    }

    private static string[] Lines(ApiNode node) => node.Process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
