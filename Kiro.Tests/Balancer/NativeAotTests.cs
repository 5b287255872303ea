using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using Kiro.Tests.Containers;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer;

/// <summary>
/// The balancer compiled with Native AOT. That takes minutes, unless <c>KIRO_AOT_PROGRAM</c> names a program compiled earlier.
/// </summary>
public sealed class NativeAotTests(ITestOutputHelper output)
{
    private const string Token = "0123456789abcdef";

    [Fact]
    public async Task Balancer_CompiledNatively_ServesEveryEndpoint()
    {
        if (ServiceProcess.NativeBalancer is { } compiled)
        {
            await ServeAsync(compiled);
            return;
        }

        Requirement.Need("aot", Requirement.Find("clang", "gcc") is not null, "neither clang nor gcc is installed.");
        var folder = Directory.CreateTempSubdirectory("kiro-aot-").FullName;
        try
        {
            // Its own artifacts folder keeps it apart from other builds. AOT warnings fail it; code analysis has run in the normal build.
            await Docker.RunAsync(
                "dotnet",
                ["publish", "../Kiro.Balancer", "-c", "Release", "-r", RuntimeInformation.RuntimeIdentifier, "-p:PublishAot=true", "-p:RunAnalyzers=false", "--artifacts-path", folder, "-o", $"{folder}/app", "-nologo", "-v", "q"],
                seconds: 1800);
            await ServeAsync($"{folder}/app/Kiro.Balancer");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task ServeAsync(string program)
    {
        await using var node = await TestBackend.StartAsync();
        var start = Stopwatch.GetTimestamp();
        await using var balancer = await BalancerProcess.StartNativeAsync(program, node.Host, $"ADMIN_TOKEN={Token}", "ACCESS_LOG=1");
        output.WriteLine($"healthy after {Stopwatch.GetElapsedTime(start).TotalSeconds:0.00} s, {new FileInfo(program).Length / 1_000_000} MB");
        foreach (var path in (string[])["/health", "/alive", "/lb", "/lb/status", "/lb/history", "/lb/route?client=203.0.113.7", "/lb/what-if?nodes=10", "/metrics"])
        {
            using var response = await balancer.Http.GetAsync(path, TestContext.Current.CancellationToken);
            var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(response.StatusCode == HttpStatusCode.OK && body.Length > 0, $"{path}: {(int)response.StatusCode} {body}");
        }

        using var events = await balancer.Http.GetAsync("/lb/events", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", events.Content.Headers.ContentType?.MediaType);

        foreach (var action in (string[])["drain", "resume"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{Uri.EscapeDataString(node.Host)}/{action}");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, $"{action}: {(int)response.StatusCode}");
        }

        using var weight = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{Uri.EscapeDataString(node.Host)}/weight") { Content = new StringContent("{\"weight\":2}", new MediaTypeHeaderValue("application/json")) };
        weight.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        using var weighted = await balancer.Http.SendAsync(weight, TestContext.Current.CancellationToken);
        Assert.True(weighted.IsSuccessStatusCode, $"weight: {(int)weighted.StatusCode} {await weighted.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");

        using var forwarded = await balancer.Http.PostAsync("/", new StringContent("x"), TestContext.Current.CancellationToken);
        Assert.True((int)forwarded.StatusCode < 500, $"forwarded: {(int)forwarded.StatusCode}");
        balancer.Process.Signal("TERM");
        Assert.Equal(0, await balancer.Process.ExitCode());
        Assert.DoesNotContain("error:", balancer.Process.Output, StringComparison.Ordinal);
    }
}
