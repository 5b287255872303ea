using Kiro.Tests.Support;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Kiro.Tests.Pages.Browser))]

namespace Kiro.Tests.Pages;

/// <summary>
/// A real Chromium of this machine, started when the first test asks for it and shared by all: each page is in a context of its
/// own, as of another person. Without the windows of a desktop, where that is installed, it takes a quarter of the processor.
/// </summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    ];

    /// <summary>In ms. Generous: what is waited for comes at once, but the machine may be busy.</summary>
    private const float Patience = 60_000;

    private static readonly string? Program = Requirement.Find("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome");

    private readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> _started = new(StartAsync);

    /// <summary>Opens a page of a size; skips the test when there is no Chromium.</summary>
    /// <param name="url">Where.</param>
    /// <param name="width">Of the screen.</param>
    /// <param name="scheme">Dark or light.</param>
    /// <param name="prepare">What is to be done to the page before it is loaded.</param>
    internal async Task<WatchedPage> OpenAsync(
        string url, int width = 1280, ColorScheme scheme = ColorScheme.Light, Func<IPage, Task>? prepare = null)
    {
        Requirement.Need("browser", Program is not null, "no Chromium is installed.");
        var context = await (await _started.Value).Browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
        return await LoadAsync(await context.NewPageAsync(), url, prepare);
    }

    /// <summary>Opens a further page as in a window of the same person's browser, which shares its connections.</summary>
    internal static async Task<WatchedPage> OpenAsync(IBrowserContext context, string url) =>
        await LoadAsync(await context.NewPageAsync(), url, null);

    private static async Task<WatchedPage> LoadAsync(IPage page, string url, Func<IPage, Task>? prepare)
    {
        page.SetDefaultTimeout(Patience);
        var watched = await WatchedPage.WatchAsync(page, new Uri(url));
        if (prepare is not null)
        {
            await prepare(page);
        }

        await page.GotoAsync(url);
        return watched;
    }

    public async ValueTask DisposeAsync()
    {
        if (_started.IsValueCreated)
        {
            var (driver, browser) = await _started.Value;
            await browser.DisposeAsync();
            driver.Dispose();
        }
    }

    private static async Task<(IPlaywright Driver, IBrowser Browser)> StartAsync()
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        var driver = await Playwright.CreateAsync();
        return (driver, await driver.Chromium.LaunchAsync(new() { ExecutablePath = Program, Headless = true, Args = Arguments, Timeout = Patience }));
    }
}
