using Kiro.Tests.Support;
using Xunit.Sdk;

namespace Kiro.Tests.Pages;

/// <summary>Tests that the checks of <see cref="WatchedPage"/> detect faults.</summary>
public sealed class WatchedPageTests(Browser browser)
{
    [Theory]
    [InlineData("document.querySelector('h1').style.color = '#ddd'")]
    [InlineData("document.querySelector('main').append(document.createElement('input'))")]
    public async Task AssertAccessibleAsync_LowContrastOrUnlabelledField_Fails(string fault)
    {
        await using var balancer = await StartAsync();
        await using var page = await OpenAsync(balancer);
        await page.AssertAccessibleAsync();

        await page.Page.EvaluateAsync(fault);

        await Assert.ThrowsAnyAsync<XunitException>(page.AssertAccessibleAsync);
    }

    [Theory]
    [InlineData("fetch('http://127.0.0.1:9/').catch(() => 0)")]
    [InlineData("document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }))")]
    [InlineData("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")]
    [InlineData("void setTimeout(() => { throw new Error('x'); })")]
    [InlineData("document.body.style.width = '3000px'")]
    public async Task AssertCleanAsync_PolicyViolationErrorOrOverflow_Fails(string fault)
    {
        await using var balancer = await StartAsync();
        await using var page = await OpenAsync(balancer);
        await page.AssertCleanAsync();

        await page.Page.EvaluateAsync(fault);

        // The browser reports it a moment later.
        await Eventually.BeTrue(async () => await Record.ExceptionAsync(page.AssertCleanAsync) is XunitException, "the fault is detected");
    }

    private static Task<BalancerInProcess> StartAsync() => BalancerInProcess.Start("BACKEND_HOSTS=127.0.0.1:9");

    private async Task<WatchedPage> OpenAsync(BalancerInProcess balancer)
    {
        var page = await browser.OpenAsync($"http://127.0.0.1:{balancer.Port}/lb");
        await page.Expect("#title").ToHaveTextAsync("No node is up");
        return page;
    }
}
