using System.Text.RegularExpressions;
using Kiro.Tests.Support;
using Microsoft.Playwright;
using static Kiro.AppHost.Tests.Running.Dashboard;

namespace Kiro.AppHost.Tests.Running;

/// <summary>The Aspire dashboard in a browser. Each test leaves the application as it found it.</summary>
[Collection(nameof(RunningApplication))]
public sealed partial class DashboardTests(RunningApplication application)
{
    [Fact]
    public async Task Resources_AllRunning_HaveLinksAndNoWarning()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());
        foreach (var name in (string[])["balancer", "api-1", "api-2", "api-3", "api-4", "api-5"])
        {
            await Expect(dashboard.Row(name)).ToContainTextAsync("Running");
        }

        // Finished if another test has used it before.
        await Expect(dashboard.Row("api-6")).ToContainTextAsync(Stopped());
        await dashboard.ScreenshotAsync("aspire-resources");
        await Expect(dashboard.Row("balancer").Locator("a[href$='/lb']")).ToHaveCountAsync(1);
        await Expect(dashboard.Row("api-1").Locator("a[href$='/status.html']")).ToHaveCountAsync(1);
        // With plain HTTP only, there must be no certificate warning.
        await Expect(dashboard.Page.GetByText("certificate")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Drain_ClickedOnANode_MovesItsClientsUntilItIsResumed()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());
        var homes = await application.NodesAsync();
        var row = dashboard.Row("api-2");

        // The buttons in a row are icons, named by the description of the command.
        var drain = row.GetByRole(AriaRole.Button, new() { Name = "New requests go to other nodes" });
        await drain.ClickAsync();
        await Expect(row).ToContainTextAsync("Draining");
        // Playwright's ToBeDisabledAsync supports native HTML controls only.
        await Expect(drain).ToHaveAttributeAsync("disabled", "");
        await dashboard.ScreenshotAsync("aspire-draining");
        Assert.DoesNotContain("api-2", (await application.NodesAsync()).Values);

        await application.CommandAsync("api-2", "resume");
        await Expect(row).ToContainTextAsync("Running");
        await Expect(drain).Not.ToHaveAttributeAsync("disabled", "");
        Assert.Equal(homes, await application.NodesAsync());
    }

    [Fact]
    public async Task Traces_OfARequest_SpanBalancerNodeAndDatabase()
    {
        Requirement.Need("mysql", RunningApplication.HasServer, "MariaDB is not installed.");
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());

        // A request that queries the database itself, unlike the ledger, which is written in the background. It is found by its trace ID among thousands.
        var trace = await application.TraceAsync("/api/clients");
        await dashboard.ShowsAsync(() => dashboard.GoAsync("/traces/detail/" + trace), Rows("DATA mysql").First);
        await Expect(Rows("HTTP GET 200").First).ToContainTextAsync("balancer");
        await Expect(Rows("GET /api/clients").First).ToContainTextAsync("api-");
        await Expect(Rows("DATA mysql").First).ToContainTextAsync("api-");
        await dashboard.ScreenshotAsync("aspire-trace");

        ILocator Rows(string text) => dashboard.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = text });
    }

    [Fact]
    public async Task Metrics_OfTheBalancer_AreShown()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());

        // The page looks up the resource only when it is opened: a resource without metrics at that time stays "(None)".
        await dashboard.ShowsAsync(
            () => dashboard.GoAsync("/metrics/resource/balancer"),
            dashboard.Page.GetByText("kiro.balancer.requests", new() { Exact = true }));
        await Expect(dashboard.Page.GetByText("kiro.backend.up", new() { Exact = true })).ToBeVisibleAsync();
        await dashboard.ScreenshotAsync("aspire-metrics");
    }

    [GeneratedRegex("Not started|Finished")]
    private static partial Regex Stopped();
}
