using System.Net;
using Kiro.Balancer.Admin;
using Kiro.Tests.Balancer.Admin;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>The page <c>/lb</c> of somebody who, with others behind the same address, asks for more than one client may have.</summary>
public sealed class LbLimitsTests(Browser browser)
{
    [Fact]
    public async Task Lb_AllStreamsOfTheClientAreOpen_AsksEveryFiveSecondsUntilThereIsRoom()
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        var streams = new List<Stream>();
        for (var stream = 0; stream < StreamLimit.MaxStreams; stream++)
        {
            streams.Add(await unprobed.Balancer.Http.GetStreamAsync("/lb/events", TestContext.Current.CancellationToken));
        }

        IResponse? refusal = null;
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb", prepare: page =>
        {
            page.Response += (_, response) => refusal ??= response.Url.EndsWith("/lb/events", StringComparison.Ordinal) ? response : null;
            return Task.CompletedTask;
        });
        await Eventually.BeTrue(() => refusal is not null, "it was refused a stream");
        Assert.Equal(503, refusal!.Status);
        await page.Expect("#live").ToContainTextAsync("Every 5 s");
        await page.Expect("#title").ToHaveTextAsync("All 3 nodes are up");
        await page.Expect("#lost").ToBeHiddenAsync();
        await page.Expect("#page.stale").ToHaveCountAsync(0);
        unprobed.Registry.TakeOut(unprobed.Registry.Find(unprobed.Id), "connection refused");
        await page.Expect("#title").ToHaveTextAsync("1 of 3 nodes is down");
        await page.KeepAsync("lb-polling");

        streams.ForEach(stream => stream.Dispose());

        await page.Expect("#live").ToContainTextAsync("Live");
        page.AssertNothingForbidden();
    }

    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task Lb_TooManyQuestions_SaysSoInWordsAndAnswersLater(int width, ColorScheme scheme)
    {
        await using var unprobed = await UnprobedBalancer.Start();
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb", width, scheme);
        await page.Expect("#ask button").ToBeVisibleAsync();

        await Eventually.BeTrue(async () =>
        {
            await AskUntilRefusedAsync(unprobed.Balancer);
            return await AskAsync(page) == 429;
        }, "it asked too often");
        await page.Expect("#answer .trouble")
            .ToHaveTextAsync("Too many requests from your address, yours or those of others behind it. Try again in a second.");
        await page.KeepAsync("lb-too-many-questions");
        await page.AssertAccessibleAsync();

        await Eventually.BeTrue(async () => await AskAsync(page) == 200, "it is answered again");
        await page.Expect("#answer h3").ToContainTextAsync("of all clients would move");
        page.AssertNothingForbidden();
    }

    [Fact]
    public async Task Lb_AnOlderAnswerComesLast_DoesNotReplaceTheNewerOne()
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

        // Whatever the page does with it is done once this is answered.
        await page.Page.EvaluateAsync("() => new Promise(done => setTimeout(done))");
        await page.Expect("#answer .gains li").ToHaveCountAsync(1);
        await page.Expect("#answer .trouble").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Lb_TooManyQuestionsWithTheToken_AreAllAnswered()
    {
        await using var unprobed = await UnprobedBalancer.Start("ADMIN_TOKEN=not-a-real-token");
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{unprobed.Balancer.Port}/lb");
        await UnlockAsync(page);

        for (var question = 0; question < 2 * WhatIfLimit.MaxAtOnce; question++)
        {
            Assert.Equal(200, await AskAsync(page));
        }

        await page.Expect("#answer h3").ToContainTextAsync("of all clients would move");
        await page.AssertFineAsync();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Lb_TheDialogGetsNoAnswer_SaysThatItIsNotKnownAndDrainsAllTheSame(int width)
    {
        await using var unprobed = await UnprobedBalancer.Start("ADMIN_TOKEN=not-a-real-token");
        unprobed.SetStates("up up up");
        await using var page = await browser.OpenAsync(
            $"http://127.0.0.1:{unprobed.Balancer.Port}/lb", width,
            prepare: page => page.RouteAsync("**/lb/what-if?*", route => route.FulfillAsync(new() { Status = 502, Body = "<h1>Bad gateway</h1>" })));
        await UnlockAsync(page);

        await page.Row(unprobed.Id).GetByRole(AriaRole.Button, new() { Name = "Drain" }).ClickAsync();

        await page.Expect("#d-effect").ToHaveTextAsync("Cannot tell who would move: The balancer responded with 502.");
        await page.KeepAsync("lb-drain-unknown", isWhole: false);
        await page.Find("#d-go").ClickAsync();
        await WatchedPage.Expect(page.Row(unprobed.Id).Locator(".state")).ToHaveTextAsync("Draining");
        page.AssertNothingForbidden();
    }

    /// <summary>Asks with the form.</summary>
    /// <returns>The status of the response.</returns>
    private static async Task<int> AskAsync(WatchedPage page) => (await page.Page.RunAndWaitForResponseAsync(
        () => page.Find("#ask button").ClickAsync(), response => response.Url.Contains("/lb/what-if?", StringComparison.Ordinal))).Status;

    /// <summary>Asks what costs the balancer least, from the page's own address.</summary>
    private static async Task AskUntilRefusedAsync(BalancerInProcess balancer)
    {
        for (var question = 0; question < 1000; question++)
        {
            using var answer = await balancer.Http.GetAsync("/lb/what-if", TestContext.Current.CancellationToken);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                return;
            }
        }
    }

    private static async Task UnlockAsync(WatchedPage page)
    {
        await page.Find("#token").FillAsync("not-a-real-token");
        await page.Find("#op-form button").ClickAsync();
        await page.Expect("#op-on").ToBeVisibleAsync();
    }
}
