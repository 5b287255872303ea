using System.Globalization;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>Database spans belong to the trace of the request that caused them; background work is not traced.</summary>
[Collection(SharesMariaDb.Name)]
public sealed class MariaDbTraceTests(MariaDb server)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    [Fact]
    public async Task Otlp_DatabaseSpans_AreInTheRequestsTraceOnly()
    {
        await server.ReadyAsync();
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var node = new ApiNode(
            ("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", server.Port.ToString(CultureInfo.InvariantCulture)), ("MYSQL_USER", MariaDb.User),
            ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", MariaDb.NewDatabase()), ("HEARTBEAT_INTERVAL", "0.1"), ("LEDGER_INTERVAL", "0.1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{receiver.Port}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"));
        await node.HealthAsync("ok");
        // A ledger flush and heartbeats: any spans of theirs are exported before those of the request.
        Assert.True(await node.RequestAsAsync("203.0.113.7"));
        await Eventually.BeTrue(
            async () => (await node.JsonAsync("/api/clients", ("traceparent", $"00-{TraceId}-b7ad6b7169203331-01"))).GetProperty("clients").GetArrayLength() > 0,
            "the count is written");

        var (trace, database) = (Convert.FromHexString(TraceId), Encoding.UTF8.GetBytes("MySqlConnector"));
        await Eventually.BeTrue(() => receiver.Has("/v1/traces", trace, database), "the database is in the request's trace");
        await node.StopAsync();

        // A trace of the node's background work would be alone in most messages.
        Assert.All(receiver.Bodies("/v1/traces").Where(body => body.AsSpan().IndexOf(database) >= 0), body => Assert.True(body.AsSpan().IndexOf(trace) >= 0));
    }
}
