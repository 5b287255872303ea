using System.Collections.Concurrent;
using System.Globalization;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>A page, and all that the browser has against it.</summary>
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
        // What the page's own policy forbids it is such a message, too.
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
                watched._problems.Enqueue($"asks {url}");
            }
        };
        await page.AddInitScriptAsync(
            "document.addEventListener('securitypolicyviolation', e => console.error('Policy: ' + e.violatedDirective + ' ' + e.blockedURI))");
        return watched;
    }

    public ILocator Find(string selector) => Page.Locator(selector);

    public static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    public ILocatorAssertions Expect(string selector) => Expect(Find(selector));

    /// <summary>A row of the table of nodes.</summary>
    public ILocator Row(string node) => Find($"#nodes tr[data-node='{node}']");

    /// <summary>No error, nothing that the policy forbids, no request to anybody else, and no wider than the screen.</summary>
    public async Task AssertFineAsync()
    {
        Assert.Empty(_problems);
        Assert.False(
            await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth"),
            $"{_home} is wider than the screen");
    }

    /// <summary>Nothing that the browser's policy or scripts complain about, when lost connections are part of the test.</summary>
    public void AssertNothingForbidden() => Assert.DoesNotContain(_problems, problem => !problem.StartsWith("Failed to load resource", StringComparison.Ordinal));

    /// <summary>Nothing that keeps people with a keyboard, a screen reader or tired eyes out.</summary>
    public async Task AssertAccessibleAsync()
    {
        var result = await Page.RunAxe();
        Assert.NotEmpty(result.Passes);
        Assert.Empty(result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => string.Create(
            CultureInfo.InvariantCulture,
            $"{violation.Id}: {violation.Help}: {string.Join(", ", violation.Nodes.Select(node => node.Html))}")));
    }

    /// <summary>Keeps a picture where <c>KIRO_SCREENSHOTS</c> says, for people to look at.</summary>
    public async Task KeepAsync(string name, bool isWhole = true)
    {
        if (Environment.GetEnvironmentVariable("KIRO_SCREENSHOTS") is { Length: > 0 } folder)
        {
            var scheme = await Page.EvaluateAsync<bool>("matchMedia('(prefers-color-scheme: dark)').matches") ? "dark" : "light";
            await Page.ScreenshotAsync(new()
            {
                Path = Path.Combine(folder, $"{name}-{Page.ViewportSize!.Width}-{scheme}.png"),
                FullPage = isWhole,
            });
        }
    }

    /// <summary>Closes it, and with the last of its windows what the browser keeps for them.</summary>
    public async ValueTask DisposeAsync()
    {
        await Page.CloseAsync();
        if (Page.Context.Pages.Count == 0)
        {
            await Page.Context.CloseAsync();
        }
    }
}
