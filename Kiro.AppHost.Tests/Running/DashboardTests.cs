using System.Text.RegularExpressions;
using Kiro.Tests.Support;
using Microsoft.Playwright;
using static Kiro.AppHost.Tests.Running.Dashboard;

namespace Kiro.AppHost.Tests.Running;

/// <summary>What a person sees and does in Aspire's dashboard. Each test leaves the application as it found it.</summary>
[Collection(nameof(RunningApplication))]
public sealed partial class DashboardTests(RunningApplication application)
{
    [Fact]
    public async Task Resources_AllRun_WithLinks_AndWithoutAWarning()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());
        foreach (var name in (string[])["balancer", "api-1", "api-2", "api-3", "api-4", "api-5"])
        {
            await Expect(dashboard.Row(name)).ToContainTextAsync("Running");
        }

        // Finished, when another test was here before.
        await Expect(dashboard.Row("api-6")).ToContainTextAsync(Stopped());
        await dashboard.KeepAsync("aspire-resources");
        await Expect(dashboard.Row("balancer").Locator("a[href$='/lb']")).ToHaveCountAsync(1);
        await Expect(dashboard.Row("api-1").Locator("a[href$='/status.html']")).ToHaveCountAsync(1);
        // A system that is all http needs none.
        await Expect(dashboard.Page.GetByText("certificate")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Drain_ClickedOnANode_ShowsDrainingAndIsOff_AndItsClientsMoveUntilItIsResumed()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());
        var homes = await application.AskAsync();
        var row = dashboard.Row("api-2");

        // Buttons in the row are icons, and have their description for a name.
        var drain = row.GetByRole(AriaRole.Button, new() { Name = "New requests go to other nodes" });
        await drain.ClickAsync();
        await Expect(row).ToContainTextAsync("Draining");
        // Playwright takes only buttons of HTML itself for ones that can be disabled.
        await Expect(drain).ToHaveAttributeAsync("disabled", "");
        await dashboard.KeepAsync("aspire-draining");
        Assert.DoesNotContain("api-2", (await application.AskAsync()).Values);

        await application.CommandAsync("api-2", "resume");
        await Expect(row).ToContainTextAsync("Running");
        await Expect(drain).Not.ToHaveAttributeAsync("disabled", "");
        Assert.Equal(homes, await application.AskAsync());
    }

    [Fact]
    public async Task Traces_OfARequest_GoFromTheBalancerOverItsNodeToTheDatabase()
    {
        Requirement.Need("mysql", RunningApplication.HasServer, "no MariaDB server is installed.");
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());

        // A request that waits for the database; what is counted is written later. It is looked for by its id, for other tests make thousands.
        var trace = await application.TraceAsync("/api/clients");
        await dashboard.ShowsAsync(() => dashboard.GoAsync("/traces/detail/" + trace), Rows("DATA mysql").First);
        await Expect(Rows("HTTP GET 200").First).ToContainTextAsync("balancer");
        await Expect(Rows("GET /api/clients").First).ToContainTextAsync("api-");
        await Expect(Rows("DATA mysql").First).ToContainTextAsync("api-");
        await dashboard.KeepAsync("aspire-trace");

        ILocator Rows(string text) => dashboard.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = text });
    }

    [Fact]
    public async Task Metrics_OfTheBalancer_AreKiros()
    {
        await using var dashboard = await Dashboard.OpenAsync(await application.DashboardAsync());

        // It looks for a resource only when it is opened: one of which it has no metrics yet is "(None)" for good.
        await dashboard.ShowsAsync(
            () => dashboard.GoAsync("/metrics/resource/balancer"),
            dashboard.Page.GetByText("kiro.balancer.requests", new() { Exact = true }));
        await Expect(dashboard.Page.GetByText("kiro.backend.up", new() { Exact = true })).ToBeVisibleAsync();
        await dashboard.KeepAsync("aspire-metrics");
    }

    [GeneratedRegex("Not started|Finished")]
    private static partial Regex Stopped();
}
