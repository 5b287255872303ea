using System.Globalization;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.ServiceDefaults;

/// <summary>Traces, metrics and logs exported by the services.</summary>
public sealed class TelemetryTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    [Fact]
    public async Task Otlp_RequestThroughTheBalancer_IsOneTraceAcrossBothServices()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        var otlp = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{receiver.Port}",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        };
        var (nodePort, port) = (FreePort.Next(), FreePort.Next());
        await using var node = new ServiceProcess("Kiro.Api", new Dictionary<string, string>(otlp) { ["PORT"] = Text(nodePort) });
        await using var balancer = new ServiceProcess("Kiro.Balancer", new Dictionary<string, string>(otlp)
        {
            ["BALANCER_PORT"] = Text(port),
            ["BACKEND_HOSTS"] = $"127.0.0.1:{nodePort}",
        });
        using var http = new HttpClient();
        await Eventually.BeTrue(async () => (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/health"), TestContext.Current.CancellationToken)).IsSuccessStatusCode, "the balancer is healthy");

        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{port}/api/client-ip");
        request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
        (await http.SendAsync(request, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        var trace = Convert.FromHexString(TraceId);
        await Eventually.BeTrue(() => receiver.Has("/v1/traces", trace, Bytes("Kiro.Balancer")), "the balancer's spans arrive");
        await Eventually.BeTrue(() => receiver.Has("/v1/traces", trace, Bytes("Kiro.Api")), "the node's spans arrive");
        await Eventually.BeTrue(() => receiver.Has("/v1/metrics", Bytes("kiro.balancer.requests")), "the balancer's metrics arrive");
        await Eventually.BeTrue(() => receiver.Has("/v1/metrics", Bytes("kiro.api.ledger.counted")), "the node's metrics arrive");
        await Eventually.BeTrue(() => receiver.Has("/v1/logs", Bytes("Kiro.Balancer"), Bytes("joined")), "the balancer's log arrives");
    }

    [Fact]
    public async Task Metrics_OfTheBalancer_CountRequests()
    {
        await using var node = await TestBackend.StartAsync();
        // In a separate process: within one process, OpenTelemetry collects from the meters of every balancer.
        await using var balancer = await BalancerProcess.StartAsync(node.Host);
        for (var request = 0; request < 3; request++)
        {
            (await balancer.Http.GetAsync(new Uri("/hello", UriKind.Relative), TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        }

        var text = await balancer.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Matches(@"(?m)^kiro_balancer_requests\w*(\{[^}]*\})? 3$", text);
        Assert.Matches($@"(?m)^kiro_backend_requests\w*\{{[^}}]*backend=""{node.Host}""[^}}]*\}} 3$", text);
        Assert.Matches($@"(?m)^kiro_backend_up\w*\{{[^}}]*backend=""{node.Host}""[^}}]*\}} 1$", text);
        Assert.Contains("http_server_request_duration", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_", text, StringComparison.Ordinal);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
