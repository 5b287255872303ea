using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.Tests.Pages;

/// <summary>A real Chromium of this machine, shared by the tests of the pages.</summary>
public sealed class Browser : IAsyncDisposable
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    ];

    /// <summary>In ms. Generous: what is waited for comes at once, but the machine may be busy.</summary>
    private const float Patience = 60_000;

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Opens a page of a size; skips the test when there is no Chromium.</summary>
    /// <param name="url">Where.</param>
    /// <param name="width">Of the screen.</param>
    /// <param name="scheme">Dark or light.</param>
    /// <param name="prepare">What is to be done to the page before it is loaded.</param>
    internal async Task<WatchedPage> OpenAsync(
        string url, int width = 1280, ColorScheme scheme = ColorScheme.Light, Func<IPage, Task>? prepare = null)
    {
        var program = Requirement.Find("chromium", "chromium-browser", "google-chrome");
        Requirement.Need("browser", program is not null, "no Chromium is installed.");
        Assertions.SetDefaultExpectTimeout(Patience);
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Headless = true, Args = Arguments });
        var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
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
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}
