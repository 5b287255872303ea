using System.Text.RegularExpressions;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>Operator actions and what-if questions on <c>/lb</c>.</summary>
public sealed class LbOperatorTests(Browser browser)
{
    private const string Token = "not-a-real-token";
    private static readonly Dictionary<string, string> WithToken = new() { ["ADMIN_TOKEN"] = Token };

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_WithToken_DrainsResumesAndSetsWeights(int width)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3, balancer: WithToken);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", width);
        await page.UnlockAsync(Token);
        await page.AssertAccessibleAsync();

        await ActAsync(page, "api-2", "Drain", "Drain", async () =>
        {
            await page.Expect("#d-effect h3").ToContainTextAsync("of all clients move");
            await page.Expect("#d-effect .gains li").ToHaveCountAsync(2);
            await page.ScreenshotAsync("lb-drain-dialog", fullPage: false);
            await page.AssertAccessibleAsync();
        });

        await WatchedPage.Expect(page.Row("api-2").Locator(".state")).ToHaveTextAsync("Draining");
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync("requested by an operator");
        await page.Expect("#title").ToHaveTextAsync("1 of 3 nodes is draining");
        await page.Expect("#events li[data-kind=draining]").ToContainTextAsync("api-2 is draining");
        Assert.Contains(("api-2", "draining"), await cluster.StatusAsync());
        await page.ScreenshotAsync("lb-draining");

        await ActAsync(page, "api-2", "Resume", "Resume");
        await WatchedPage.Expect(page.Row("api-2").Locator(".state")).ToHaveTextAsync("Up");

        await ActAsync(page, "api-3", "Weight", "Set weight", async () =>
        {
            await page.Find("#d-weight").FillAsync("2");
            await page.Expect("#d-effect h3").ToHaveTextAsync(new Regex(@"^1[5-8]\.\d\s% of all clients move$"));
            await page.ScreenshotAsync("lb-weight-dialog", fullPage: false);
        });
        await WatchedPage.Expect(page.Row("api-3")).ToContainTextAsync("weight 2 by an operator");
        await page.Expect("#events li[data-kind=weight]").ToContainTextAsync("from 1 to 2");
        await page.AssertCleanAsync();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_SessionAffinity_DrainsBothWaysAndShowsRemainingSessions(int width)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3, balancer: new(WithToken) { ["SESSION_IDLE"] = "600" });
        await cluster.SendAsync();

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", width);
        await page.UnlockAsync(Token);

        await ActAsync(page, "api-2", "Drain", "Drain", async () =>
        {
            await page.Expect("#d-effect").ToContainTextAsync("None immediately: clients with a session stay until it ends.");
            await page.Find("#d-timeout").FillAsync("3600");
            await page.ScreenshotAsync("lb-drain-sessions-dialog", fullPage: false);
            await page.AssertAccessibleAsync();
        });
        await WatchedPage.Expect(page.Row("api-2").Locator(".state")).ToHaveTextAsync("Draining");
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync(new Regex(@"lets its sessions end: \d+ clients left, evacuated in \d+ min"));
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync(new Regex(@"\d+ kept by sessions"));
        await page.Expect("#events li[data-kind=draining]").ToContainTextAsync("0 of 60 recent ones immediately");
        await page.ScreenshotAsync("lb-draining-sessions");
        await page.AssertAccessibleAsync();

        await ActAsync(page, "api-2", "Evacuate", "Evacuate");
        await WatchedPage.Expect(page.Row("api-2")).Not.ToContainTextAsync("lets its sessions end");
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync("requested by an operator");

        await ActAsync(page, "api-3", "Drain", "Evacuate", async () =>
        {
            await page.Find("#dialog label:has(input[value=evacuate])").ClickAsync();
            await page.Expect("#d-timeout-box").ToBeHiddenAsync();
        });
        await WatchedPage.Expect(page.Row("api-3").Locator(".state")).ToHaveTextAsync("Draining");
        await page.AssertCleanAsync();
    }

    [Fact]
    public async Task Lb_DrainedNodeStops_IsShownAsIntended()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3, balancer: WithToken);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");
        await page.UnlockAsync(Token);
        await ActAsync(page, "api-2", "Drain", "Drain");
        await WatchedPage.Expect(page.Row("api-2").Locator(".state")).ToHaveTextAsync("Draining");

        cluster.Node(2).Signal("KILL");

        await WatchedPage.Expect(page.Row("api-2").Locator(".state")).ToHaveTextAsync("Down");
        await WatchedPage.Expect(page.Row("api-2")).ToContainTextAsync("connection refused, drained by an operator");
        await page.Expect("#why").ToContainTextAsync(new Regex("api-2 has been down since .*, drained by an operator: connection refused"));
        await page.Expect("#mark .icon.draining").ToBeVisibleAsync();
        await page.Expect("#nodes tr.bad").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Lb_Token_IsNeitherInTheUrlNorStoredAndGoneAfterAReload()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1, balancer: WithToken);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");
        await page.UnlockAsync(Token);

        Assert.DoesNotContain(Token, page.Page.Url, StringComparison.Ordinal);
        Assert.Equal("", await page.Find("#token").InputValueAsync());
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("localStorage.length + sessionStorage.length + document.cookie.length"));
        Assert.DoesNotContain(Token, await page.Page.ContentAsync(), StringComparison.Ordinal);

        await page.Page.ReloadAsync();
        await page.Expect("#op-form").ToBeVisibleAsync();
        await page.Expect("#nodes .acts button:visible").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Lb_WrongToken_ShowsAMessage()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1, balancer: WithToken);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");

        await page.Find("#token").FillAsync("wrong");
        await page.Find("#op-form button").ClickAsync();

        await page.Expect("#op-trouble").ToHaveTextAsync("Invalid token.");
        await page.Expect("#nodes .acts button:visible").ToHaveCountAsync(0);
        await page.ScreenshotAsync("lb-wrong-token");
    }

    [Fact]
    public async Task Lb_NoTokenSet_ShowsAMessageAndNoForm()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");

        await page.Expect("#op-off").ToContainTextAsync("ADMIN_TOKEN is not set on this balancer");
        await page.Expect("#op-form").ToBeHiddenAsync();
    }

    [Fact]
    public async Task Lb_NodeNameIsHtml_IsShownAsText()
    {
        const string Name = "<img src=x onerror=document.title='broken'>";
        await using var node = SocketServer.Responding($"HTTP/1.1 200 OK\r\nContent-Length: {Name.Length + 11}\r\n\r\n{{\"node\":\"{Name}\"}}");
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS=127.0.0.1:{node.Port}");
        await Eventually.BeTrue(() => balancer.Registry.Current.Backends is [{ Health.Node: not null }], "the node is probed");

        await using var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");

        await page.Expect("#nodes .name").ToHaveTextAsync(Name);
        await page.Expect("img").ToHaveCountAsync(0);
        await page.AssertCleanAsync();
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Lb_WhatIf_IsAnsweredByTheBalancer(int width, ColorScheme scheme)
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb", width, scheme);

        await page.Find("#if-count").FillAsync("6");
        await page.Find("#ask button").ClickAsync();
        await page.Expect("#answer h3").ToHaveTextAsync(new Regex(@"^(4[89]|5[01])\.\d\s% of all clients would move$"));
        await page.Expect("#answer .gains li").ToHaveCountAsync(3);
        await page.Expect("#answer .gains").ToContainTextAsync("new-4");
        await page.ScreenshotAsync("lb-what-if");
        await page.AssertAccessibleAsync();

        await page.Find("label:has(input[value=leave])").ClickAsync();
        await page.Find("#if-node").SelectOptionAsync(new SelectOptionValue { Label = "api-3" });
        await page.Find("#ask button").ClickAsync();
        await page.Expect("#answer .gains li").ToHaveCountAsync(2);
        await page.Expect("#answer").ToContainTextAsync("Without api-3.");

        await page.Find("label:has(input[value=weight])").ClickAsync();
        await page.Find("#if-weight").FillAsync("2");
        await page.Find("#ask button").ClickAsync();
        await page.Expect("#answer .gains li").ToHaveCountAsync(1);
        await page.AssertCleanAsync();
    }

    private static async Task ActAsync(WatchedPage page, string node, string button, string confirm, Func<Task>? look = null)
    {
        await page.Row(node).GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await page.Expect("#dialog").ToBeVisibleAsync();
        if (look is not null)
        {
            await look();
        }

        await page.Find("#dialog").GetByRole(AriaRole.Button, new() { Name = confirm, Exact = true }).ClickAsync();
        await page.Expect("#dialog").ToBeHiddenAsync();
    }
}
