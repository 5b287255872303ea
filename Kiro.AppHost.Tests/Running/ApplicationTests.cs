using Kiro.Tests.Support;

namespace Kiro.AppHost.Tests.Running;

/// <summary>Requests through the application as started by Aspire. Each test leaves it as it found it.</summary>
[Collection(nameof(RunningApplication))]
public sealed class ApplicationTests(RunningApplication application)
{
    [Fact]
    public async Task Balancer_Started_FindsItsNodesThroughAspireAndKeepsClientsOnThem()
    {
        var status = await application.GetAsync("/lb/status");
        Assert.Equal("file", status.GetProperty("balancer").GetProperty("mode").GetString());
        Assert.Equal(5, status.GetProperty("summary").GetProperty("total").GetInt32());
        // The IDs are the same as under Kiro.Cluster, because they determine which clients a node gets.
        Assert.All(status.GetProperty("backends").EnumerateArray(), node => Assert.Equal($"127.0.0.1:{node.GetProperty("port")}", node.GetProperty("id").GetString()));

        var homes = await application.NodesAsync();
        Assert.Equal(["api-1", "api-2", "api-3", "api-4", "api-5"], homes.Values.Distinct().Order());
        Assert.Equal(homes, await application.NodesAsync());
    }

    [Fact]
    public async Task Kill_OneOfFive_MovesOnlyItsClientsAndShowsItDownUntilItRestarts()
    {
        var homes = await application.NodesAsync();

        await application.KillAsync("api-3");
        var moved = await application.NodesAsync();
        Assert.All(homes, client => Assert.Equal(client.Value == "api-3", moved[client.Key] != client.Value));
        // It crashed rather than being stopped, so it stays in the list.
        await application.HealthyAsync(4);
        var down = Assert.Single((await application.GetAsync("/lb/status")).GetProperty("backends").EnumerateArray(), node => node.GetProperty("state").GetString() == "down");
        Assert.Equal("api-3", down.GetProperty("node").GetString());

        await application.CommandAsync("api-3", KnownResourceCommands.StartCommand);
        await application.HealthyAsync(5);
        Assert.Equal(homes, await application.NodesAsync());
    }

    [Fact]
    public async Task Drain_OneOfFive_MovesOnlyItsClientsUntilItIsResumed()
    {
        var homes = await application.NodesAsync();

        await application.CommandAsync("api-2", "drain");
        // The dashboard shows it and enables only resume.
        await application.ShowsAsync("api-2", "Draining", ("drain", ResourceCommandState.Disabled), ("resume", ResourceCommandState.Enabled));
        var moved = await application.NodesAsync();
        Assert.All(homes, client => Assert.Equal(client.Value == "api-2", moved[client.Key] != client.Value));

        await application.CommandAsync("api-2", "resume");
        await application.ShowsAsync("api-2", "Running", ("drain", ResourceCommandState.Enabled), ("resume", ResourceCommandState.Disabled));
        Assert.Equal(homes, await application.NodesAsync());
    }

    [Fact]
    public async Task Start_Spare_MovesClientsOnlyToItUntilItIsStopped()
    {
        var homes = await application.NodesAsync();

        await application.CommandAsync("api-6", KnownResourceCommands.StartCommand);
        await application.HealthyAsync(6);
        var moved = await application.NodesAsync();
        Assert.Contains("api-6", moved.Values);
        Assert.All(homes, client => Assert.Contains(moved[client.Key], (string[])[client.Value, "api-6"]));

        await application.CommandAsync("api-6", KnownResourceCommands.StopCommand);
        await application.HealthyAsync(5);
        Assert.Equal(homes, await application.NodesAsync());
        // It was stopped, so it is dropped from the list.
        await application.BalancesOverAsync(5);
    }

    [Fact]
    public async Task Nodes_PasswordNeedsQuoting_ShareTheDatabaseServer()
    {
        Requirement.Need("mysql", RunningApplication.HasServer, "MariaDB is not installed.");

        await Eventually.BeTrue(async () =>
        {
            var nodes = await application.GetAsync("/api/nodes");
            return nodes.GetProperty("database").GetString() == "up"
                && nodes.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("state").GetString() == "up") >= 5;
        }, "five nodes have written to the database", 60);
    }
}
