using System.Globalization;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The two pages in a real browser, with real nodes behind them.</summary>
public sealed class StatusPageTests(Browser browser) : IClassFixture<Browser>
{
    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_ANodeDies_TurnsItDownWithTheReason(int width)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3);
        var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", width);
        var problems = Problems(page);

        await Assertions.Expect(page.Locator("#nodes tr")).ToHaveCountAsync(3);
        await Assertions.Expect(page.Locator("#nodes .state.up")).ToHaveCountAsync(3);
        await Assertions.Expect(page.Locator("#you")).ToContainTextAsync("You are 127.0.0.1");
        await KeepAsync(page, $"lb-up-{width}");

        cluster.Node(2).Signal("KILL");
        using var http = new HttpClient();
        for (var client = 0; client < 30; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{cluster.Port}/api/client-ip");
            request.Headers.Add("X-Forwarded-For", $"203.0.113.{client}");
            (await http.SendAsync(request, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        }

        var row = page.Locator("#nodes tr", new() { HasText = "api-2" });
        await Assertions.Expect(row.Locator(".state.down")).ToBeVisibleAsync(new() { Timeout = 10_000 });
        await Assertions.Expect(row).ToContainTextAsync("connection refused");
        await KeepAsync(page, $"lb-down-{width}");
        Assert.False(await OverflowsAsync(page), "the page is wider than the screen");
        Assert.Empty(problems);
    }

    [Fact]
    public async Task Lb_TheBalancerGoes_SaysSoInsteadOfShowingStaleNumbers()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");
        await Assertions.Expect(page.Locator("#nodes tr")).ToHaveCountAsync(1);

        cluster.Balancer.Signal("KILL");

        await Assertions.Expect(page.Locator("#lost")).ToContainTextAsync("Connection lost, retrying", new() { Timeout = 15_000 });
    }

    [Theory]
    [InlineData(1280, true)]
    [InlineData(390, true)]
    [InlineData(1280, false)]
    public async Task StatusHtml_ThroughTheBalancerAndOnANode_ShowsTheNodeThatServes(int width, bool throughBalancer)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        var port = throughBalancer ? cluster.Port : cluster.FirstPort;
        var page = await browser.OpenAsync(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/status.html"), width);
        var problems = Problems(page);

        await Assertions.Expect(page.Locator("body")).ToContainTextAsync(throughBalancer ? "api-" : "api-1", new() { Timeout = 10_000 });
        await Assertions.Expect(page.Locator("body")).ToContainTextAsync("127.0.0.1");
        await KeepAsync(page, $"status-{width}-{(throughBalancer ? "balancer" : "node")}");
        Assert.False(await OverflowsAsync(page), "the page is wider than the screen");
        Assert.Empty(problems);
    }

    /// <summary>What the browser has against the page: script errors, and whatever its own security policy forbids it.</summary>
    private static List<string> Problems(IPage page)
    {
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                problems.Add(message.Text);
            }
        };
        return problems;
    }

    private static Task<bool> OverflowsAsync(IPage page) =>
        page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth");

    /// <summary>Keeps a picture where <c>KIRO_SCREENSHOTS</c> says, for people to look at.</summary>
    private static async Task KeepAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("KIRO_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
        }
    }
}
