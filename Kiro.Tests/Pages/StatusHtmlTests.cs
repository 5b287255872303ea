using System.Globalization;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The public page <c>/status.html</c> in a real browser.</summary>
public sealed class StatusHtmlTests(Browser browser)
{
    [Theory]
    [InlineData(1280, ColorScheme.Light, true)]
    [InlineData(390, ColorScheme.Dark, true)]
    [InlineData(390, ColorScheme.Light, false)]
    [InlineData(1920, ColorScheme.Dark, false)]
    public async Task StatusHtml_ThroughTheBalancerOrOnANode_ShowsNoNodeAddresses(int width, ColorScheme scheme, bool throughBalancer)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        var port = throughBalancer ? cluster.Port : cluster.FirstPort;
        await using var page = await browser.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/status.html"), width, scheme);

        await page.Expect("#title").ToHaveTextAsync("The service is up");
        await page.Expect("#you").ToContainTextAsync(throughBalancer ? "You are 127.0.0.1, and api-" : "You are 127.0.0.1, and api-1 serves you.");
        await page.Expect("#uptime").ToContainTextAsync("has been up for");
        await page.Expect("#nodes li").ToHaveCountAsync(2);
        await page.Expect("#about").ToHaveTextAsync("2 nodes are up.");
        await page.Expect("#ledger").ToContainTextAsync("Requests");
        await page.ScreenshotAsync(throughBalancer ? "status-balancer" : "status-node");
        // The page shows the client's own address, but not those of the nodes.
        Assert.DoesNotContain(
            cluster.FirstPort.ToString(CultureInfo.InvariantCulture), await page.Find("main").InnerTextAsync(), StringComparison.Ordinal);
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task StatusHtml_NodeRestarts_ShowsStaleDataInGreyUntilItIsBack()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        await using var page = await browser.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{cluster.FirstPort}/status.html"));
        await page.Expect("#title").ToHaveTextAsync("The service is up");

        cluster.Node(1).Signal("KILL");

        await page.Expect("#lost").ToContainTextAsync("Connection lost, retrying. Data below is from");
        await page.Expect("#page.stale main").ToHaveCSSAsync("filter", "grayscale(1)");
        await page.ScreenshotAsync("status-lost");
        await page.AssertAccessibleAsync();

        cluster.Start(1);
        await page.Expect("#lost").ToBeHiddenAsync();
        await page.Expect("#page.stale").ToHaveCountAsync(0);
        page.AssertNoPageErrors();
    }

    [Fact]
    public async Task StatusHtml_NoNodeBehindTheBalancer_ShowsAMessage()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/status.html");
        await page.Expect("#title").ToHaveTextAsync("The service is up");

        cluster.Node(1).Signal("KILL");

        await page.Expect("#lost").ToContainTextAsync("No node responds, retrying.");
        page.AssertNoPageErrors();
    }
}
