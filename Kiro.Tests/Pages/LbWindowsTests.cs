using Kiro.Tests.Support;

namespace Kiro.Tests.Pages;

/// <summary>The page <c>/lb</c> in more windows than the browser opens connections per host.</summary>
public sealed class LbWindowsTests(Browser browser)
{
    private const int Windows = 7;

    [Fact]
    public async Task Lb_SevenWindows_ShareOneStreamAndAllUpdate()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 3);
        var url = $"http://127.0.0.1:{cluster.Port}/lb";
        var pages = new List<WatchedPage> { await browser.OpenAsync(url) };
        while (pages.Count < Windows)
        {
            pages.Add(await Browser.OpenAsync(pages[0].Page.Context, url));
        }

        await AssertLiveAsync(pages, "All 3 nodes are up");

        // The first window has the stream; another one takes over.
        await pages[0].DisposeAsync();
        pages.RemoveAt(0);
        cluster.Node(1).Signal("KILL");

        await AssertLiveAsync(pages, "1 of 3 nodes is down");
        await pages[0].Page.Context.DisposeAsync();
    }

    [Fact]
    public async Task Lb_Hidden_ClosesItsStreamUntilVisible()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 1);
        await using var page = await browser.OpenAsync($"http://127.0.0.1:{cluster.Port}/lb");
        await page.Expect("#live").ToContainTextAsync("Live");

        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        page.Page.RequestFailed += (_, request) => EndIfStream(request.Url);
        page.Page.RequestFinished += (_, request) => EndIfStream(request.Url);

        await SetHiddenAsync(page, true);

        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await page.Page.RunAndWaitForRequestAsync(() => SetHiddenAsync(page, false), request => IsStream(request.Url));
        await page.Expect("#live").ToContainTextAsync("Live");

        void EndIfStream(string url)
        {
            if (IsStream(url))
            {
                ended.TrySetResult();
            }
        }
    }

    private static bool IsStream(string url) => url.EndsWith("/lb/events", StringComparison.Ordinal);

    private static async Task SetHiddenAsync(WatchedPage page, bool isHidden) => await page.Page.EvaluateAsync(
        "is => { Object.defineProperty(document, 'hidden', { value: is, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }", isHidden);

    private static async Task AssertLiveAsync(List<WatchedPage> pages, string title)
    {
        foreach (var page in pages)
        {
            await page.Expect("#title").ToHaveTextAsync(title);
            await page.Expect("#live").ToContainTextAsync("Live");
            await page.Expect("#lost").ToBeHiddenAsync();
        }
    }
}
