using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Kiro.Tests.Pages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;

namespace Kiro.Tests.Sessions;

/// <summary>Blazor Server: a counter per circuit, and pages in a real browser, all from one address.</summary>
internal sealed class Blazor(Browser browser, bool longPolling) : ISessionProgram
{
    private readonly string _keys = Directory.CreateTempSubdirectory("kiro-blazor-").FullName;
    private readonly Dictionary<int, WebApplication> _nodes = [];
    private readonly List<(IPage Page, SessionUse Last)> _pages = [];

    public async Task StartNodeAsync(int number, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Logging.ClearProviders();
        builder.Services.AddRouting();
        // Shared by all nodes: any of them must be able to decrypt what another has protected.
        builder.Services.AddDataProtection().SetApplicationName("kiro").PersistKeysToFileSystem(new DirectoryInfo(_keys));
        builder.Services.AddSingleton(new BlazorNode($"node-{number}", longPolling));
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        var app = _nodes[number] = builder.Build();
        app.UseRouting();
        app.UseAntiforgery();
        app.MapGet("/health", () => Results.Text($$"""{"status":"ok","node":"node-{{number}}"}"""));
        app.MapGet("/_framework/blazor.web.js", () => Results.File(Path.Combine(AppContext.BaseDirectory, "blazor.web.js"), "text/javascript"));
        app.MapRazorComponents<BlazorPage>().AddInteractiveServerRenderMode();
        await app.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task StopNodeAsync(int number)
    {
        _nodes.Remove(number, out var node);
        await node!.DisposeAsync();
    }

    public async Task ConnectAsync(int count, int balancer)
    {
        for (var client = 0; client < count; client++)
        {
            _pages.Add(((await browser.OpenAsync($"http://127.0.0.1:{balancer}/")).Page, default));
        }
    }

    public async Task<IReadOnlyList<SessionUse>> UseAsync()
    {
        for (var client = 0; client < _pages.Count; client++)
        {
            var (page, last) = _pages[client];
            _pages[client] = (page, await UseAsync(page, last));
        }

        return [.. _pages.Select(page => page.Last)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (page, _) in _pages)
        {
            await page.Context.CloseAsync();
        }

        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        Directory.Delete(_keys, recursive: true);
    }

    // Clicks once per document: a page that reloads itself has lost the click along with its circuit.
    private static async Task<SessionUse> UseAsync(IPage page, SessionUse last)
    {
        var shown = await (await page.WaitForFunctionAsync(
            """
            last => {
              const button = document.querySelector("button");
              if (!button) return null;
              if (window.clickedAt !== last) { window.clickedAt = last; button.click(); }
              const shown = document.querySelector("p").textContent;
              return shown === last || shown.endsWith(" 0") ? null : shown;
            }
            """,
            Text(last))).JsonValueAsync<string>();
        return new SessionUse(Regex.Match(shown, @"node-\d+").Value, int.Parse(Regex.Match(shown, @"\d+$").Value, CultureInfo.InvariantCulture));
    }

    private static string Text(SessionUse use) => string.Create(CultureInfo.InvariantCulture, $"{use.Node} {use.Count}");
}

/// <summary>The page of <see cref="Blazor"/>: a counter on the server. The page reloads itself if it loses its circuit.</summary>
public sealed class BlazorPage : ComponentBase
{
    [Inject]
    internal BlazorNode Node { get; set; } = null!;

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AddMarkupContent(0, "<!doctype html><html><head><base href=\"/\"><title>Counter</title><link rel=\"icon\" href=\"data:,\"></head><body>");
        builder.OpenComponent<BlazorCounter>(1);
        builder.AddComponentRenderMode(new InteractiveServerRenderMode(prerender: false));
        builder.CloseComponent();
        builder.AddMarkupContent(2, """
            <div id="components-reconnect-modal"></div>
            <script>
              document.getElementById("components-reconnect-modal").addEventListener("components-reconnect-state-changed", ({ detail }) => {
                if (["failed", "rejected", "resume-failed"].includes(detail.state)) location.reload();
              });
            </script>
            """);
        // 4 is long polling.
        builder.AddMarkupContent(3, Node.LongPolling
            ? "<script src=\"_framework/blazor.web.js\" autostart=\"false\"></script><script>Blazor.start({ circuit: { configureSignalR: builder => builder.withUrl('_blazor', { transport: 4 }) } })</script></body></html>"
            : "<script src=\"_framework/blazor.web.js\"></script></body></html>");
    }
}

/// <summary>Maps the route <c>/</c>.</summary>
[Route("/")]
public sealed class BlazorHome : ComponentBase;

/// <summary>The counter, held in memory by the node.</summary>
public sealed class BlazorCounter : ComponentBase
{
    private int _count;

    [Inject]
    internal BlazorNode Node { get; set; } = null!;

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.OpenElement(0, "p");
        builder.AddContent(1, string.Create(CultureInfo.InvariantCulture, $"{Node.Name} {_count}"));
        builder.CloseElement();
        builder.OpenElement(2, "button");
        builder.AddAttribute(3, "onclick", EventCallback.Factory.Create<MouseEventArgs>(this, () => _count++));
        builder.AddContent(4, "use");
        builder.CloseElement();
    }
}

/// <summary>The name of a node, and the transport of its pages.</summary>
internal sealed record BlazorNode(string Name, bool LongPolling);
