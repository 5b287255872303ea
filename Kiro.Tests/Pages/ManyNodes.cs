using System.Globalization;
using System.Net;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Pages;

/// <summary>Many nodes that only respond to probes: one server on many loopback addresses.</summary>
internal sealed class ManyNodes : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ManyNodes(WebApplication app, string hosts) => (_app, Hosts) = (app, hosts);

    /// <summary>BACKEND_HOSTS.</summary>
    public string Hosts { get; }

    /// <param name="count">1 to 254.</param>
    /// <param name="draining">The number of a node that drains; 0 for none.</param>
    /// <param name="broken">The number of a node whose probes fail with 500; 0 for none.</param>
    public static async Task<ManyNodes> StartAsync(int count, int draining, int broken)
    {
        var port = FreePort.Next();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            for (var number = 1; number <= count; number++)
            {
                kestrel.Listen(Address(number), port);
            }
        });
        var app = builder.Build();
        app.Run(context =>
        {
            int number = context.Connection.LocalIpAddress!.MapToIPv4().GetAddressBytes()[3];
            context.Response.StatusCode = number == draining ? 503 : number == broken ? 500 : 200;
            return context.Response.WriteAsync(string.Create(
                CultureInfo.InvariantCulture, $$"""{"status":"{{(number == draining ? "draining" : "ok")}}","node":"node-{{number}}"}"""));
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ManyNodes(app, string.Join(',', Enumerable.Range(1, count).Select(number => $"{Address(number)}:{port}")));
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IPAddress Address(int number) => new([127, 0, 0, (byte)number]);
}
