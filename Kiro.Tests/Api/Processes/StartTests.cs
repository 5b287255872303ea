using System.Globalization;
using System.Net.Sockets;
using System.Net;
using Kiro.Tests.Support;

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
    public async Task Start_BadSettings_AreOneLineEach()
    {
        await using var node = new ApiNode(
            ("TRUSTED_PROXIES", "10.0.0.0/99"), ("ConnectionStrings__kiro", "s3cret"), ("HEARTBEAT_INTERVAL", "never"));

        Assert.Equal(1, await node.Process.ExitCode());
        Assert.Equal(3, Lines(node).Length);
        Assert.DoesNotContain("s3cret", node.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_DatabaseCannotBeReached_ServesDegraded()
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

        // The counts cannot be written; the stop waits for that a while, says so, and is clean.
        node.Process.Signal("INT");
        Assert.Equal(0, await node.Process.ExitCode(20));
        Assert.Contains("could not be written to the ledger before the end: 3.", node.Process.Output, StringComparison.Ordinal);
    }

    private static string[] Lines(ApiNode node) => node.Process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
