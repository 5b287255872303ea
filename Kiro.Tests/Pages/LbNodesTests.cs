using System.Text.RegularExpressions;
using Kiro.Balancer.Backends;
using Kiro.Tests.Balancer.Admin;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The page <c>/lb</c> in a real browser, with real nodes that fail.</summary>
public sealed class LbNodesTests(Browser browser)
{
    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Lb_NodeDies_ShowsTheReasonAndTheMovedClients(int width, ColorScheme scheme)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3);
        await cluster.SendAsync();
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", width, scheme);

        await page.Expect("#title").ToHaveTextAsync("All 3 nodes are up");
        await page.Expect("#nodes tr .state.up").ToHaveCountAsync(3);
        await page.Expect("#you-line").ToContainTextAsync("You are 127.0.0.1, and api-");
        await page.Expect("#ranks li.mine").ToHaveCountAsync(1);
        await page.Expect("#live").ToContainTextAsync("Live");
        await page.ScreenshotAsync("lb-up");
        await page.AssertAccessibleAsync();

        cluster.Node(2).Signal("KILL");
        // Until it has exited, it may still respond.
        await cluster.Node(2).ExitCode();
        await cluster.SendAsync();

        var state = page.Row("api-2").Locator(".state");
        await WatchedPage.Expect(state).ToHaveTextAsync("Down");
        await WatchedPage.Expect(state).ToHaveCSSAsync("color", scheme == ColorScheme.Dark ? "rgb(255, 139, 130)" : "rgb(179, 38, 30)");
        // A connection that the kernel accepted just before is reset.
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync(new Regex("(connection refused|[Cc]onnection reset by peer)"));
        await page.Expect("#title").ToHaveTextAsync("1 of 3 nodes is down");
        await page.Expect("#why").ToContainTextAsync(new Regex("(refused|reset by peer)\\. Moved to other nodes: "));
        var item = page.Find("#events li[data-kind=down]").First;
        await WatchedPage.Expect(item).ToContainTextAsync(new Regex("api-2 is down – .*(refused|reset by peer)"));
        await WatchedPage.Expect(item).ToContainTextAsync("of 60 recent ones · 2 of 3 up");
        await page.ScreenshotAsync("lb-down");
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task Lb_ClockIsPaused_IsUpdatedByEventsAndNotByATimer()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", prepare: page => page.Clock.InstallAsync());
        await page.Expect("#live").ToContainTextAsync("Live");
        await page.Page.Clock.PauseAtAsync(DateTime.Now.AddMinutes(1));
        await page.Expect("#nodes tr .state.up").ToHaveCountAsync(2);

        cluster.Node(1).Signal("KILL");
        await cluster.SendAsync();

        await WatchedPage.Expect(page.Row("api-1").Locator(".state")).ToHaveTextAsync("Down");
    }

    [Fact]
    public async Task Lb_NoClientsSeen_MentionsNoMoves()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        unprobed.Registry.MarkDown(unprobed.Registry.Find(unprobed.Id), "connection refused");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb");

        await page.Expect("#events li[data-kind=down]").ToContainTextAsync("2 of 3 up");
        await page.Expect("#events").Not.ToContainTextAsync("oved");
        await page.Expect("#why").ToContainTextAsync("connection refused.");
        await page.Expect("#why").Not.ToContainTextAsync("oved");
    }

    [Fact]
    public async Task Lb_NodeNeverUp_IsStartingAndNotDown()
    {
        await using var nodes = await ManyNodes.StartAsync(2, draining: 0, broken: 0);
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS={nodes.Hosts},127.0.0.1:{FreePort.Next()}");
        await Eventually.BeTrue(
            () => balancer.Registry.Current.Backends is { Count: 3 } all && all.All(node => node.Health.Verdict != BackendVerdict.Unknown), "all nodes are probed");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#title").ToHaveTextAsync("1 of 3 nodes is starting");
        await page.Expect("#why").ToContainTextAsync("connection refused");
        await page.Expect("#nodes .state.starting").ToHaveCountAsync(1);
        await page.Expect("#events li[data-kind=up]").Not.ToHaveCountAsync(0);
        await page.Expect("#events li[data-kind=down]").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Lb_SortedByRate_KeepsItsOrderUnderThePointer()
    {
        // Sorts the nodes as the next update would, with made-up rates.
        const string NextOrder = "() => inOrder(now.backends.map((node, index) => ({ ...node, requestsPerSecond: index })), 'rate').map(node => node.requestsPerSecond).join()";
        await using var nodes = await ManyNodes.StartAsync(6, draining: 0, broken: 0);
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=" + nodes.Hosts);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");
        await page.Expect("#nodes .state.up").ToHaveCountAsync(6);
        await page.Find("#sort").SelectOptionAsync("rate");

        await page.Find("#nodes tr").First.HoverAsync();
        Assert.Equal("0,1,2,3,4,5", await page.Page.EvaluateAsync<string>(NextOrder));

        await page.Page.Mouse.MoveAsync(0, 0);
        Assert.Equal("5,4,3,2,1,0", await page.Page.EvaluateAsync<string>(NextOrder));
    }

    [Fact]
    public async Task Lb_NoEventStream_PollsEveryFiveSeconds()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        await using var page = await browser.OpenAsync(
            $"http://127.0.0.1:{cluster.Port}/lb", prepare: page => page.RouteAsync("**/lb/events", route => route.FulfillAsync(new() { Status = 503 })));
        await page.Expect("#live").ToContainTextAsync("Every 5 s");

        cluster.Node(1).Signal("KILL");
        await cluster.SendAsync();

        await WatchedPage.Expect(page.Row("api-1").Locator(".state")).ToHaveTextAsync("Down");
    }

    [Fact]
    public async Task Lb_BalancerRestarts_ShowsStaleDataInGreyUntilItIsBack()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");
        await page.Expect("#title").ToHaveTextAsync("The only node is up");
        await page.Expect("#lost").ToBeHiddenAsync();

        cluster.Balancer.Signal("KILL");

        await page.Expect("#lost").ToContainTextAsync("Connection lost, retrying.");
        await page.Expect("#lost").ToContainTextAsync("Data below is from");
        await page.Expect("#title").ToHaveTextAsync("Connection to the balancer lost");
        await page.Expect("#page.stale").ToBeVisibleAsync();
        await page.Expect("#headline").ToHaveCSSAsync("filter", "grayscale(1)");
        await WatchedPage.Expect(page.Row("api-1").Locator(".state")).ToHaveCSSAsync("color", "rgb(88, 97, 112)");
        Assert.Equal("Connection lost · Kiro", await page.Page.TitleAsync());
        await page.ScreenshotAsync("lb-lost");
        await page.AssertAccessibleAsync();

        await cluster.RestartBalancerAsync();

        await page.Expect("#lost").ToBeHiddenAsync();
        await page.Expect("#page.stale").ToHaveCountAsync(0);
        await page.Expect("#live").ToContainTextAsync("Live");
        page.AssertNoPageErrors();
    }

    [Theory]
    [InlineData("", "The only node is up, but returns errors")]
    [InlineData(",127.0.0.1:1", "1 of 2 nodes is starting, 1 returns errors")]
    public async Task Lb_NodeReturnsOnlyErrors_IsInTheHeadline(string others, string title)
    {
        await using var bad = await TestBackend.StartAsync("bad");
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=" + bad.Host + others);
        await Eventually.BeTrue(async () => (await balancer.Status()).GetProperty("summary").GetProperty("healthy").GetInt32() == 1, "the node is up");
        for (var request = 0; request < 25; request++)
        {
            using var response = await balancer.Http.GetAsync("/status/500", TestContext.Current.CancellationToken);
        }

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#title").ToHaveTextAsync(title);
        await page.Expect("#why").ToContainTextAsync("): 100 % of its responses are errors (5xx).");
        await WatchedPage.Expect(page.Row("bad").Locator(".state")).ToHaveTextAsync("Failing");
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task Lb_TwoNodes_AreCalledBoth()
    {
        await using var one = await TestBackend.StartAsync("one");
        await using var other = await TestBackend.StartAsync("other");
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS={one.Host},{other.Host}");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#title").ToHaveTextAsync("Both nodes are up");
    }
}
