using System.Net;
using Kiro.Balancer.Admin;
using Kiro.Tests.Balancer.Admin;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The page <c>/lb</c> when its client address has reached a limit, for example behind a NAT.</summary>
public sealed class LbLimitsTests(Browser browser)
{
    private const string Token = "not-a-real-token";

    [Fact]
    public async Task Lb_StreamLimitReached_PollsUntilAStreamIsFree()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        var streams = new List<Stream>();
        for (var stream = 0; stream < StreamLimit.MaxStreams; stream++)
        {
            streams.Add(await unprobed.Balancer.Http.GetStreamAsync("/lb/events", TestContext.Current.CancellationToken));
        }

        IResponse? rejection = null;
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb", prepare: page =>
        {
            page.Response += (_, response) => rejection ??= response.Url.EndsWith("/lb/events", StringComparison.Ordinal) ? response : null;
            return Task.CompletedTask;
        });
        await Eventually.BeTrue(() => rejection is not null, "a stream was rejected");
        Assert.Equal(503, rejection!.Status);
        await page.Expect("#live").ToContainTextAsync("Every 5 s");
        await page.Expect("#title").ToHaveTextAsync("All 3 nodes are up");
        await page.Expect("#lost").ToBeHiddenAsync();
        await page.Expect("#page.stale").ToHaveCountAsync(0);
        unprobed.Registry.MarkDown(unprobed.Registry.Find(unprobed.Id), "connection refused");
        await page.Expect("#title").ToHaveTextAsync("1 of 3 nodes is down");
        await page.ScreenshotAsync("lb-polling");

        streams.ForEach(stream => stream.Dispose());

        await page.Expect("#live").ToContainTextAsync("Live");
        page.AssertNoPageErrors();
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Lb_TooManyQuestions_ShowsAMessageAndRecovers(int width, ColorScheme scheme)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb", width, scheme);
        await page.Expect("#ask button").ToBeVisibleAsync();

        await Eventually.BeTrue(async () =>
        {
            await AskUntilLimitedAsync(unprobed.Balancer);
            return await AskAsync(page) == 429;
        }, "the page has reached the limit");
        await page.Expect("#answer .trouble")
            .ToHaveTextAsync("Too many requests from your address, yours or those of others behind it. Try again in a second.");
        await page.ScreenshotAsync("lb-too-many-questions");
        await page.AssertAccessibleAsync();

        await Eventually.BeTrue(async () => await AskAsync(page) == 200, "the question is answered again");
        await page.Expect("#answer h3").ToContainTextAsync("of all clients would move");
        page.AssertNoPageErrors();
    }

    [Fact]
    public async Task Lb_OlderResponseArrivesLast_DoesNotReplaceTheNewerOne()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        var late = new TaskCompletionSource<IRoute>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var page = await browser.OpenAsync(
            $"http://127.0.0.1:{unprobed.Balancer.Port}/lb", prepare: page => page.RouteAsync("**/lb/what-if?nodes=9", late.SetResult));
        await page.Find("#if-count").FillAsync("9");
        await page.Find("#ask button").ClickAsync();
        var held = await late.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await page.Find("#if-count").FillAsync("4");
        await page.Find("#ask button").ClickAsync();
        await page.Expect("#answer .gains li").ToHaveCountAsync(1);

        await page.Page.RunAndWaitForResponseAsync(
            () => held.FulfillAsync(new() { Status = 429 }), response => response.Status == 429);

        // By the time this completes, the page has handled the response.
        await page.Page.EvaluateAsync("() => new Promise(done => setTimeout(done))");
        await page.Expect("#answer .gains li").ToHaveCountAsync(1);
        await page.Expect("#answer .trouble").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Lb_ManyQuestionsWithToken_AreAllAnswered()
    {
        await using var unprobed = await UnprobedBalancer.Start($"ADMIN_TOKEN={Token}");
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb");
        await page.UnlockAsync(Token);

        for (var question = 0; question < 2 * WhatIfLimit.MaxAtOnce; question++)
        {
            Assert.Equal(200, await AskAsync(page));
        }

        await page.Expect("#answer h3").ToContainTextAsync("of all clients would move");
        await page.AssertCleanAsync();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_WhatIfFailsInTheDialog_ShowsItAndStillDrains(int width)
    {
        await using var unprobed = await UnprobedBalancer.Start($"ADMIN_TOKEN={Token}");
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync(
            $"http://127.0.0.1:{unprobed.Balancer.Port}/lb", width,
            prepare: page => page.RouteAsync("**/lb/what-if?*", route => route.FulfillAsync(new() { Status = 502, Body = "<h1>Bad gateway</h1>" })));
        await page.UnlockAsync(Token);

        await page.Row(unprobed.Id).GetByRole(AriaRole.Button, new() { Name = "Drain" }).ClickAsync();

        await page.Expect("#d-effect").ToHaveTextAsync("Cannot tell who would move: The balancer responded with 502.");
        await page.ScreenshotAsync("lb-drain-unknown", fullPage: false);
        await page.Find("#d-go").ClickAsync();
        await WatchedPage.Expect(page.Row(unprobed.Id).Locator(".state")).ToHaveTextAsync("Draining");
        page.AssertNoPageErrors();
    }

    /// <summary>Submits the what-if form.</summary>
    /// <returns>The status of the response.</returns>
    private static async Task<int> AskAsync(WatchedPage page) => (await page.Page.RunAndWaitForResponseAsync(
        () => page.Find("#ask button").ClickAsync(), response => response.Url.Contains("/lb/what-if?", StringComparison.Ordinal))).Status;

    /// <summary>Uses up the limit from the address of the page, with the cheapest question.</summary>
    private static async Task AskUntilLimitedAsync(BalancerInProcess balancer)
    {
        for (var question = 0; question < 1000; question++)
        {
            using var response = await balancer.Http.GetAsync("/lb/what-if", TestContext.Current.CancellationToken);
            if (response.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return;
            }
        }
    }
}
