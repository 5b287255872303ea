using System.Diagnostics;
using Kiro.Tests.Support;
using Microsoft.Playwright;

namespace Kiro.AppHost.Tests.Running;

/// <summary>Aspire's dashboard in a real Chromium of this machine, as a person sees it.</summary>
internal sealed class Dashboard : IAsyncDisposable
{
    /// <summary>In ms. Generous: what is waited for comes at once, but the machine may be busy.</summary>
    private const float Patience = 120_000;

    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Dashboard(IPlaywright playwright, IBrowser browser, IPage page) => (_playwright, _browser, Page) = (playwright, browser, page);

    public IPage Page { get; }

    /// <summary>Opens it by the address that lets one in; skips the test when there is no Chromium.</summary>
    public static async Task<Dashboard> OpenAsync(Uri login)
    {
        var program = Requirement.Find("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome");
        Requirement.Need("browser", program is not null, "no Chromium is installed.");
        Assertions.SetDefaultExpectTimeout(Patience);
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = program, Headless = true, Args = Arguments, Timeout = Patience });
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1800, Height = 1000 } });
        page.SetDefaultTimeout(Patience);
        var dashboard = new Dashboard(playwright, browser, page);
        await dashboard.GoAsync(login);
        return dashboard;
    }

    /// <summary>Opens another of its pages.</summary>
    public Task GoAsync(string path) => GoAsync(new Uri(new Uri(Page.Url), path));

    /// <summary>The row of a table that has this text in it.</summary>
    public ILocator Row(string text) => Page.GetByRole(AriaRole.Row).Filter(new() { Has = Page.GetByText(text, new() { Exact = true }) });

    /// <summary>Does something, again and again, until the dashboard shows what comes of it: telemetry is on its way for a while.
    /// Otherwise the test says what it shows instead.</summary>
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
            catch (TimeoutException) when (clock.ElapsedMilliseconds < Patience)
            {
                // Once more.
            }
            catch (TimeoutException)
            {
                Assert.Fail($"Not within {clock.Elapsed.TotalSeconds:0} s: {what}. {Page.Url} shows:\n{await Page.Locator("body").AriaSnapshotAsync()}");
            }
        }
    }

    public static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    /// <summary>Keeps what is to be seen as <c>{name}.png</c> in the folder <c>KIRO_SCREENSHOTS</c>, if that is set.</summary>
    public async Task KeepAsync(string name)
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

    // What it shows comes over a WebSocket afterwards, which stays open: the network never rests.
    private Task<IResponse?> GoAsync(Uri address) => Page.GotoAsync(address.ToString(), new() { WaitUntil = WaitUntilState.DOMContentLoaded });
}
