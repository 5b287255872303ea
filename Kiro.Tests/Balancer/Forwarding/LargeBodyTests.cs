using System.Globalization;
using System.IO.Hashing;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Bodies far larger than the memory that the balancer may use for them.</summary>
public class LargeBodyTests(ITestOutputHelper output)
{
    private const long GiB = 1L << 30;

    /// <summary>In MiB: several times what was measured, and a fraction of the body.</summary>
    private const double MaxGrowth = 100;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Body_OfOneGiB_PassesInBothDirectionsWithLittleMemory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Process memory is read from /proc.");
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host);
        await UploadAsync(balancer.Port, 1 << 20);
        await DownloadAsync(balancer, 1 << 20);
        var before = PeakMiB(balancer.Process.Id);

        Assert.EndsWith(TestBackendRoutes.Count(GiB), await UploadAsync(balancer.Port, GiB), StringComparison.Ordinal);
        var afterUpload = PeakMiB(balancer.Process.Id);
        Assert.Equal(TestBackendRoutes.Count(GiB), await DownloadAsync(balancer, GiB));
        var after = PeakMiB(balancer.Process.Id);

        output.WriteLine($"Peak: {before:0} MiB before, {afterUpload:0} MiB after 1 GiB up, {after:0} MiB after 1 GiB down.");
        Assert.True(after - before < MaxGrowth, $"from {before:0} to {after:0} MiB");
    }

    [Fact]
    public async Task Client_StopsReading_HoldsTheNodeBack()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Process memory is read from /proc.");
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartAsync(node.Host);
        await DownloadAsync(balancer, 1 << 20);
        var before = ResidentMiB(balancer.Process.Id);
        var clients = new List<RawClient>();
        for (var number = 0; number < 20; number++)
        {
            var client = await RawClient.ConnectAsync(balancer.Port, receiveBuffer: 4096);
            clients.Add(client);
            await client.SendAsync($"GET /bytes/{GiB} HTTP/1.1\r\nHost: a.example\r\n\r\n");
        }

        await Eventually.BeTrue(() => node.Arrived.Count == 21, "all requests have arrived");
        await Task.Delay(1000, Cancel);
        Assert.Equal(1, node.Ended);
        var growth = ResidentMiB(balancer.Process.Id) - before;
        clients.ForEach(client => client.Dispose());

        output.WriteLine($"20 stalled downloads of 1 GiB took {growth:0} MiB.");
        Assert.True(growth < MaxGrowth, $"{growth:0} MiB");
        // Under TLS, Kestrel discards what it can no longer send without reporting an abort.
        await Eventually.BeTrue(() => node.Ended == 21, "the node is held up no longer");
    }

    private static double ResidentMiB(int process) => MemoryMiB(process, "VmRSS");

    private static double PeakMiB(int process) => MemoryMiB(process, "VmHWM");

    private static double MemoryMiB(int process, string field)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    private static async Task<string> UploadAsync(int port, long bytes)
    {
        using var client = await RawClient.ConnectAsync(port);
        await client.SendAsync($"POST /count HTTP/1.1\r\nHost: a.example\r\nContent-Length: {bytes}\r\n\r\n");
        for (var left = bytes; left > 0; left -= TestBackendRoutes.Block.Length)
        {
            await client.Stream.WriteAsync(TestBackendRoutes.Block.AsMemory(0, (int)Math.Min(left, TestBackendRoutes.Block.Length)));
        }

        return (await client.ReadResponseAsync()).Body;
    }

    private static async Task<string> DownloadAsync(BalancerProcess balancer, long bytes)
    {
        await using var body = await balancer.Http.GetStreamAsync($"/bytes/{bytes}", Cancel);
        var (count, hash, buffer) = (0L, new XxHash3(), new byte[256 * 1024]);
        while (await body.ReadAsync(buffer, Cancel) is var read && read > 0)
        {
            count += read;
            hash.Append(buffer.AsSpan(0, read));
        }

        return TestBackendRoutes.Count(count, hash);
    }
}
