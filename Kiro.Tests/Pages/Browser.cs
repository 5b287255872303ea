using Kiro.Tests.Support;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Kiro.Tests.Pages.Browser))]

namespace Kiro.Tests.Pages;

/// <summary>
/// A local Chromium, started on first use and shared by all tests, with a browser context for each page. The headless shell,
/// if installed, takes a quarter of the CPU time of the full browser.
/// </summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    ];

    /// <summary>In milliseconds; generous for busy machines.</summary>
    private const float TimeoutMs = 60_000;

    private static readonly string? Program = Requirement.Find("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome");

    private readonly Lazy<Task<(IPlaywright Driver, IBrowser Browser)>> _started = new(StartAsync);

    /// <summary>Opens a page in a new browser context; skips the test if Chromium is not installed.</summary>
    /// <param name="url">The address to open.</param>
    /// <param name="width">The width of the viewport.</param>
    /// <param name="scheme">Dark or light.</param>
    /// <param name="prepare">Runs before the page is loaded.</param>
    internal async Task<WatchedPage> OpenAsync(
        string url, int width = 1280, ColorScheme scheme = ColorScheme.Light, Func<IPage, Task>? prepare = null)
    {
        Requirement.Need("browser", Program is not null, "Chromium is not installed.");
        var context = await (await _started.Value).Browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
        return await LoadAsync(await context.NewPageAsync(), url, prepare);
    }

    /// <summary>Opens another page in the same browser context, like another window: they share connections.</summary>
    internal static async Task<WatchedPage> OpenAsync(IBrowserContext context, string url) =>
        await LoadAsync(await context.NewPageAsync(), url, null);

    private static async Task<WatchedPage> LoadAsync(IPage page, string url, Func<IPage, Task>? prepare)
    {
        page.SetDefaultTimeout(TimeoutMs);
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
        Assertions.SetDefaultExpectTimeout(TimeoutMs);
        var driver = await Playwright.CreateAsync();
        return (driver, await driver.Chromium.LaunchAsync(new() { ExecutablePath = Program, Headless = true, Args = Arguments, Timeout = TimeoutMs }));
    }
}
