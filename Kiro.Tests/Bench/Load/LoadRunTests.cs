using System.Collections.Concurrent;
using System.Net;
using Kiro.SideBySide.Load;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Bench.Load;

/// <summary>Runs the load generator against a real server and compares its counts with what the server saw.</summary>
public sealed class LoadRunTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);
    private static readonly Exchange Get = new("GET", "/", 0, 5);

    [Fact]
    public async Task Run_ClosedLoop_CountsResponsesOfAllClients()
    {
        var seen = new ConcurrentDictionary<string, int>();
        await using var server = await StartAsync(context =>
        {
            seen.AddOrUpdate($"{context.Connection.RemoteIpAddress} {context.Request.Headers["X-Forwarded-For"]}", 1, (_, count) => count + 1);
            return context.Response.WriteAsync("right");
        });

        var result = await RunAsync(server, Get, sources: 3, rate: null, [IPAddress.Parse("203.0.113.1"), IPAddress.Parse("203.0.113.2")]);

        Assert.Equal(0, result.Errors.Total);
        Assert.InRange(result.Responses, 1, seen.Values.Sum());
        Assert.Equal(result.Responses, result.Latencies.Count);
        Assert.Equal(["127.1.0.0", "127.1.0.1", "127.1.0.2"], seen.Keys.Select(key => key.Split(' ')[0]).Distinct().Order());
        Assert.Equal(["203.0.113.1", "203.0.113.2"], seen.Keys.Select(key => key.Split(' ')[1]).Distinct().Order());
    }

    [Fact]
    public async Task Run_Post_SendsTheWholeBody()
    {
        long bytes = 0, requests = 0;
        await using var server = await StartAsync(async context =>
        {
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            Interlocked.Add(ref bytes, body.Length);
            Interlocked.Increment(ref requests);
            await context.Response.WriteAsync("right");
        });

        var result = await RunAsync(server, new Exchange("POST", "/", 3_000_000, 5), sources: 2, rate: null, []);

        Assert.Equal(0, result.Errors.Total);
        Assert.True(requests > 0);
        Assert.Equal(3_000_000 * requests, bytes);
    }

    [Fact]
    public async Task Run_WrongResponses_AreErrorsByKind()
    {
        var next = 0;
        await using var server = await StartAsync(context =>
        {
            switch (Interlocked.Increment(ref next) % 4)
            {
                case 0:
                    context.Response.StatusCode = 500;
                    return context.Response.WriteAsync("right");
                case 1:
                    context.Abort();
                    return Task.CompletedTask;
                case 2:
                    return context.Response.WriteAsync("wrong length");
                default:
                    return context.Response.WriteAsync("right");
            }
        });

        var result = await RunAsync(server, Get, sources: 1, rate: null, []);

        Assert.All(new[] { result.Responses, result.Errors.Status, result.Errors.Broken, result.Errors.Length }, count => Assert.True(count > 0));
    }

    [Fact]
    public async Task Run_RateWithSlowResponses_IncludesQueueingInLatency()
    {
        await using var server = await StartAsync(async context =>
        {
            await Task.Delay(100);
            await context.Response.WriteAsync("right");
        });

        // One connection serves at most 10 of the 100 requests due per second: the rest queue.
        var result = await RunAsync(server, Get, sources: 1, rate: 100, []);

        Assert.InRange(result.Responses, 1, 21);
        Assert.True(result.Overdue > 20, $"{result.Overdue} overdue");
        Assert.True(result.Latencies.Percentile(100) > TimeSpan.FromSeconds(0.2), $"{result.Latencies.Percentile(100)}");
    }

    [Fact]
    public async Task Run_SustainedRate_SendsNoMoreThanIsDue()
    {
        await using var server = await StartAsync(context => context.Response.WriteAsync("right"));

        var result = await RunAsync(server, Get, sources: 8, rate: 100, []);

        Assert.InRange(result.Responses, 1, (100 * result.Window.TotalSeconds) + 8);
        Assert.Equal(0, result.Errors.Total);
    }

    private static async Task<LoadResult> RunAsync(WebApplication server, Exchange exchange, int sources, int? rate, IPAddress[] clients)
    {
        var address = new Uri(server.Urls.First());
        var plan = new LoadPlan(
            new IPEndPoint(IPAddress.Loopback, address.Port),
            [.. Enumerable.Range(0, sources).Select(source => new IPAddress([127, 1, 0, (byte)source]))],
            new RequestBytes(exchange, clients), exchange.ResponseBody, rate, TimeSpan.FromSeconds(0.1), Window);
        return await Task.Run(() => LoadRun.Run(plan, () => { }));
    }

    private static async Task<WebApplication> StartAsync(RequestDelegate respond)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var server = builder.Build();
        server.Run(respond);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }
}
