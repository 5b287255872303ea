using System.Globalization;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The page <c>/lb</c> with no nodes, and with two hundred.</summary>
public sealed class LbSizesTests(Browser browser)
{
    [Theory]
    [InlineData(1920, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    public async Task Lb_TwoHundredNodes_ShowsProblemsFirstAndFindsTheRest(int width, ColorScheme scheme)
    {
        await using var nodes = await ManyNodes.StartAsync(200, draining: 150, broken: 77);
        await using var balancer = await BalancerInProcess.Start("BACKEND_HOSTS=" + nodes.Hosts);
        await Eventually.BeTrue(
            async () => (await balancer.Status()).GetProperty("summary") is var summary
                && summary.GetProperty("healthy").GetInt32() == 198 && summary.GetProperty("draining").GetInt32() == 1,
            "198 nodes are up", 120);

        await using var page = await browser.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{balancer.Port}/lb"), width, scheme);

        await page.Expect("#title").ToHaveTextAsync("2 of 200 nodes are not up");
        await page.Expect("#nodes tr").ToHaveCountAsync(width < 820 ? 12 : 50);
        // Failures come before nodes that drain on purpose.
        await WatchedPage.Expect(page.Find("#nodes tr").First).ToContainTextAsync("node-77");
        await WatchedPage.Expect(page.Find("#nodes tr").First).ToContainTextAsync("health response 500");
        await WatchedPage.Expect(page.Find("#nodes tr").Nth(1)).ToContainTextAsync("node-150");
        await page.Expect("#map i").ToHaveCountAsync(200);
        await page.Expect("#ranks").ToContainTextAsync("and 192 more");
        await page.ScreenshotAsync("lb-200");
        await page.AssertAccessibleAsync();

        // Counts percentages in the table that wrap onto two lines.
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("""
            () => [...document.querySelectorAll('#nodes span')].filter(span => {
              const found = /[\d.]+\s%/.exec(span.textContent);
              if (!found || !span.firstChild) return false;
              const range = document.createRange();
              range.setStart(span.firstChild, found.index);
              range.setEnd(span.firstChild, found.index + found[0].length);
              return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1;
            }).length
            """));

        await page.Find("#find").FillAsync("node-199");
        await page.Expect("#nodes tr").ToHaveCountAsync(1);
        await page.Find("#find").FillAsync("nobody");
        await page.Expect("#none").ToHaveTextAsync("No matching nodes.");
        await page.Find("#find").FillAsync("");
        await page.Find("#more").ClickAsync();
        await page.Expect("#nodes tr").ToHaveCountAsync(200);
        await page.AssertCleanAsync();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_NoNodeIsUp_ExplainsTheConsequences(int width)
    {
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS=127.0.0.1:{FreePort.Next()}");
        await Eventually.BeTrue(() => balancer.Registry.Current.Backends is [{ Health.LastCheck: not null }], "the node is probed");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb", width);

        await page.Expect("#title").ToHaveTextAsync("No node is up");
        await page.Expect("#warnings").ToContainTextAsync("No node is up. Requests are tried on every node");
        await page.Expect("#you-line").ToContainTextAsync("and no node is up.");
        await page.Expect("#steps").ToContainTextAsync("no node is up, so all are tried in this order");
        await page.ScreenshotAsync("lb-none-up");
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task Lb_NoNodeIsKnown_IsShown()
    {
        await using var balancer = await BalancerInProcess.Start("BACKEND_DNS=nowhere.invalid");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#title").ToHaveTextAsync("No nodes known yet");
        await page.Expect("#you-line").ToHaveTextAsync("You are 127.0.0.1; no node is known yet.");
        await page.Expect("#none").ToHaveTextAsync("Discovery has not found any nodes yet.");
        await page.ScreenshotAsync("lb-none-known");
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }
}
