using System.Diagnostics;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.AppHost.Tests.Running;

/// <summary>The Aspire dashboard in a local Chromium.</summary>
internal sealed class Dashboard : IAsyncDisposable
{
    /// <summary>In milliseconds; generous for busy machines.</summary>
    private const float TimeoutMs = 120_000;

    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Dashboard(IPlaywright playwright, IBrowser browser, IPage page) => (_playwright, _browser, Page) = (playwright, browser, page);

    public IPage Page { get; }

    /// <summary>Opens the dashboard by its login URL; skips the test if Chromium is not installed.</summary>
    public static async Task<Dashboard> OpenAsync(Uri login)
    {
        var program = Requirement.Find("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome");
        Requirement.Need("browser", program is not null, "Chromium is not installed.");
        Assertions.SetDefaultExpectTimeout(TimeoutMs);
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Headless = true, Args = Arguments, Timeout = TimeoutMs });
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1800, Height = 1000 } });
        page.SetDefaultTimeout(TimeoutMs);
        var dashboard = new Dashboard(playwright, browser, page);
        await dashboard.GoAsync(login);
        return dashboard;
    }

    /// <summary>Goes to another page of the dashboard.</summary>
    public Task GoAsync(string path) => GoAsync(new Uri(new Uri(Page.Url), path));

    /// <summary>The table row that contains this text.</summary>
    public ILocator Row(string text) => Page.GetByRole(AriaRole.Row).Filter(new() { Has = Page.GetByText(text, new() { Exact = true }) });

    /// <summary>Repeats an action until the dashboard shows the expected element, because telemetry arrives with a delay.
    /// On a timeout, the failure message has the page content.</summary>
    public async Task ShowsAsync(Func<Task> act, ILocator what)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            await act();
            try
            {
                await what.WaitForAsync(new() { Timeout = 5_000 });
                return;
            }
            catch (TimeoutException) when (clock.ElapsedMilliseconds < TimeoutMs)
            {
                // Try again.
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Not within {clock.Elapsed.TotalSeconds:0} s: {what}. {Page.Url} shows:\n{await Page.Locator("body").AriaSnapshotAsync()}");
            }
        }
    }

    public static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    /// <summary>Takes a screenshot if <c>KIRO_SCREENSHOTS</c> names a folder.</summary>
    public async Task ScreenshotAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("KIRO_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png") });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    // The content arrives over a WebSocket that stays open, so the network never becomes idle.
    private Task<IResponse?> GoAsync(Uri address) => Page.GotoAsync(address.ToString(), new() { WaitUntil = WaitUntilState.DOMContentLoaded });
}
