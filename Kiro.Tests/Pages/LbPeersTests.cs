using System.Text.RegularExpressions;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The other balancers on <c>/lb</c>.</summary>
public sealed class LbPeersTests(Browser browser)
{
    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Lb_OnePeerIsUnreachable_ShowsBoth(int width, ColorScheme scheme)
    {
        await using var node = await TestBackend.StartAsync();
        var (port, unused) = (FreePort.Range(2), FreePort.Next());
        var settings = new[] { "ADMIN_TOKEN=not-a-real-token", $"BALANCER_PEERS=127.0.0.1:{port},127.0.0.1:{port + 1},127.0.0.1:{unused}" };
        await using var one = await BalancerProcess.StartOnAsync(port, node.Host, settings);
        await using var other = await BalancerProcess.StartOnAsync(port + 1, node.Host, settings);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{port}/lb", width, scheme);

        await page.Expect("#peers li").ToHaveCountAsync(2);
        await WatchedPage.Expect(page.Find("#peers li").Filter(new() { HasText = $"127.0.0.1:{port + 1}" })).ToContainTextAsync(new Regex("1 node \\(1 up\\), 0 admin actions, the same as here"));
        await WatchedPage.Expect(page.Find("#peers li").Filter(new() { HasText = $"127.0.0.1:{unused}" })).ToContainTextAsync("cannot be reached: connection refused; no contact yet");
        await page.ScreenshotAsync("lb-peers");
        await page.AssertAccessibleAsync();
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task Lb_NoPeers_HidesThem()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#nodes-box").ToBeVisibleAsync();
        await page.Expect("#peers-box").ToBeHiddenAsync();
    }
}
