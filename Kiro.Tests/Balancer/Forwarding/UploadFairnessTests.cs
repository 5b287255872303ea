using System.Globalization;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>An upload that never blocks shares one core with other clients: no header field gives it more than its share.</summary>
[Collection(RunsAlone.Name)]
public sealed class UploadFairnessTests(ITestOutputHelper output)
{
    private const int Clients = 8, RequestsEach = 25, Rounds = 3;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_WithUpgrade_GetsNoMoreThanItsShare()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host, "DOTNET_PROCESSOR_COUNT=1");
        // An unfair upload is unfair in every round; a busy machine distorts only some.
        var (ordinary, upgrade) = (0.0, double.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            ordinary = Math.Max(ordinary, await MegabytesPerResponseAsync(balancer.Port, ""));
            upgrade = Math.Min(upgrade, await MegabytesPerResponseAsync(balancer.Port, "Upgrade: h2c\r\n"));
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"MB uploaded per response to others: at most {ordinary:0.00} without Upgrade, at least {upgrade:0.00} with it");
        output.WriteLine(text);
        Assert.True(upgrade < 3 * ordinary, text);
    }

    private static async Task<double> MegabytesPerResponseAsync(int port, string field)
    {
        using var uploading = await RawClient.ConnectAsync(port);
        await uploading.SendAsync($"POST /count HTTP/1.1\r\nHost: a.example\r\n{field}Content-Length: {1L << 50}\r\n\r\n");
        var upload = new ByteFlood(piece => uploading.Stream.WriteAsync(piece));
        await Eventually.BeTrue(() => upload.Sent > 16 << 20, "the upload is in progress");

        var before = upload.Sent;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            using var client = await RawClient.ConnectAsync(port);
            for (var request = 0; request < RequestsEach; request++)
            {
                await client.SendAsync("GET /hello HTTP/1.1\r\nHost: a.example\r\n\r\n");
                Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            }
        }));
        var uploaded = upload.Sent - before;
        Assert.False(upload.Ended.IsCompleted);
        uploading.Dispose();
        await upload.Ended;
        return uploaded / 1e6 / (Clients * RequestsEach);
    }
}
