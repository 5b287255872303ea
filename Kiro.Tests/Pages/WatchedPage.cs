using System.Collections.Concurrent;
using System.Globalization;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>A page that records every error that the browser reports.</summary>
internal sealed class WatchedPage : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _problems = [];
    private readonly Uri _home;

    private WatchedPage(IPage page, Uri home) => (Page, _home) = (page, home);

    public IPage Page { get; }

    public static async Task<WatchedPage> WatchAsync(IPage page, Uri home)
    {
        var watched = new WatchedPage(page, home);
        page.PageError += (_, error) => watched._problems.Enqueue(error);
        // Violations of the page's Content-Security-Policy are console errors, too.
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                watched._problems.Enqueue(message.Text);
            }
        };
        page.Request += (_, request) =>
        {
            var url = new Uri(request.Url);
            if (url.Scheme != "data" && url.Authority != home.Authority)
            {
                watched._problems.Enqueue($"requests {url}");
            }
        };
        await page.AddInitScriptAsync(
            "document.addEventListener('securitypolicyviolation', e => console.error('Policy: ' + e.violatedDirective + ' ' + e.blockedURI))");
        return watched;
    }

    public ILocator Find(string selector) => Page.Locator(selector);

    public static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    public ILocatorAssertions Expect(string selector) => Expect(Find(selector));

    /// <summary>The row of a node in the table.</summary>
    public ILocator Row(string node) => Find($"#nodes tr[data-node='{node}']");

    /// <summary>Enters the admin token on <c>/lb</c>.</summary>
    public async Task UnlockAsync(string token)
    {
        await Find("#token").FillAsync(token);
        await Find("#op-form button").ClickAsync();
        await Expect("#op-on").ToBeVisibleAsync();
    }

    /// <summary>Asserts no errors, no policy violations, no requests to other hosts, and no horizontal scrolling.</summary>
    public async Task AssertCleanAsync()
    {
        Assert.Empty(_problems);
        Assert.False(
            await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth"),
            $"{_home} is wider than the screen");
    }

    /// <summary>Asserts no script errors and no policy violations, in tests where requests are expected to fail.</summary>
    public void AssertNoPageErrors() => Assert.DoesNotContain(_problems, problem => !problem.StartsWith("Failed to load resource", StringComparison.Ordinal));

    /// <summary>Asserts that axe finds no serious accessibility violations.</summary>
    public async Task AssertAccessibleAsync()
    {
        var result = await Page.RunAxe();
        Assert.NotEmpty(result.Passes);
        Assert.Empty(result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => string.Create(
            CultureInfo.InvariantCulture,
            $"{violation.Id}: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}")));
    }

    /// <summary>Takes a screenshot if <c>KIRO_SCREENSHOTS</c> names a folder.</summary>
    public async Task ScreenshotAsync(string name, bool fullPage = true)
    {
        if (Environment.GetEnvironmentVariable("KIRO_SCREENSHOTS") is { Length: > 0 } folder)
        {
            var scheme = await Page.EvaluateAsync<bool>("matchMedia('(prefers-color-scheme: dark)').matches") ? "dark" : "light";
            await Page.ScreenshotAsync(new()
            {
                Path = Path.Combine(folder, $"{name}-{Page.ViewportSize!.Width}-{scheme}.png"),
                FullPage = fullPage,
            });
        }
    }

    /// <summary>Closes the page, and its browser context with the last page.</summary>
    public async ValueTask DisposeAsync()
    {
        await Page.CloseAsync();
        if (Page.Context.Pages.Count == 0)
        {
            await Page.Context.CloseAsync();
        }
    }
}
