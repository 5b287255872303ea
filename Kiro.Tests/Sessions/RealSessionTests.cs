using Kiro.Tests.Pages;
using Microsoft.AspNetCore.Http.Connections;

namespace Kiro.Tests.Sessions;

/// <summary>Real programs that need session affinity, each with three instances behind Kiro.</summary>
public sealed class RealSessionTests(Browser browser)
{
    private const int Clients = 40;

    [Theory]
    [InlineData("polling")]
    [InlineData("websocket")]
    [InlineData("polling,websocket")]
    public async Task SocketIo_NodesJoinDrainAndReturn_LosesNoSession(string transports)
    {
        SocketIo.Need();
        await using var program = new SocketIo(transports);

        Assert.Equal(0, await SessionScenario.PlayAsync($"socket.io {transports}", program, Clients));
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task SignalR_NodesJoinDrainAndReturn_LosesNoSession(HttpTransportType transport)
    {
        await using var program = new SignalR(transport);

        Assert.Equal(0, await SessionScenario.PlayAsync($"SignalR {transport}", program, Clients));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Blazor_NodesJoinDrainAndReturn_LosesNoSession(bool longPolling)
    {
        await using var program = new Blazor(browser, longPolling);

        Assert.Equal(0, await SessionScenario.PlayAsync($"Blazor Server {(longPolling ? "long polling" : "WebSockets")}", program, clients: 4));
    }

    /// <summary>Shows that the scenario can fail.</summary>
    [Fact]
    public async Task SignalR_WithoutSessionAffinity_LosesSessions()
    {
        await using var program = new SignalR(HttpTransportType.LongPolling);

        Assert.InRange(await SessionScenario.PlayAsync("SignalR LongPolling", program, Clients, idle: 0), Clients / 4, int.MaxValue);
    }
}
