using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.Web;

namespace Kiro.Tests.Sessions;

/// <summary>The page of <see cref="Blazor"/>: a counter, alive on the server. When its circuit is lost it loads itself anew.</summary>
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

/// <summary>What makes <c>/</c> an address of the page.</summary>
[Route("/")]
public sealed class BlazorHome : ComponentBase;

/// <summary>Lives in the memory of its node.</summary>
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

/// <summary>Which node it is, and how its pages are to connect.</summary>
internal sealed record BlazorNode(string Name, bool LongPolling);
