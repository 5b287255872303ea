using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening;

/// <summary>More clients than descriptors.</summary>
public sealed class ConnectionFloodTests
{
    [Theory]
    [InlineData(256)]
    [InlineData(320)]
    [InlineData(512)]
    [InlineData(1024)]
    public async Task Flood_MoreThanDescriptors_RefusesTheRestAndServesAgainAtOnce(int descriptors)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartLimitedAsync(descriptors, node.Host);
        for (var round = 0; round < 3; round++)
        {
            var flood = new List<Socket>();
            for (var count = 0; count < descriptors * 2; count++)
            {
                flood.Add(Connect(balancer.Port));
            }

            // Admitted clients are served as long as they stay; the others are refused.
            var answers = await Task.WhenAll(flood.Select(AskAsync));
            var (served, refused) = (answers.Count(answer => answer == "200"), answers.Count(answer => answer == "503"));
            Assert.Equal(answers.Length, served + refused);
            Assert.InRange(served, 1, descriptors);
            Assert.True(refused > 0);
            flood.ForEach(socket => socket.Dispose());

            await Eventually.BeTrue(
                async () => (await balancer.Http.GetAsync("/any", TestContext.Current.CancellationToken)).StatusCode == HttpStatusCode.OK,
                "the next client is served", seconds: 10);
        }

        Assert.False(balancer.Process.HasExited, balancer.Process.Output);
        var limits = JsonDocument.Parse(await balancer.Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken))
            .RootElement.GetProperty("limits");
        Assert.Equal(descriptors, limits.GetProperty("descriptors").GetProperty("soft").GetInt32());
        Assert.True(limits.GetProperty("connections").GetProperty("refused").GetInt64() > 0);
        // One line, or one more each minute; not one per connection.
        Assert.InRange(balancer.Process.Output.Split("were refused with 503").Length - 1, 1, 5);
        Assert.DoesNotContain("error: ", balancer.Process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_SoftLimitBelowTheHardOne_IsRaised()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerProcess.StartLimitedAsync(2000, node.Host, soft: 300);

        var status = JsonDocument.Parse(await balancer.Http.GetStringAsync("/lb/status", TestContext.Current.CancellationToken));

        var descriptors = status.RootElement.GetProperty("limits").GetProperty("descriptors");
        Assert.Equal((2000, 2000), (descriptors.GetProperty("soft").GetInt32(), descriptors.GetProperty("hard").GetInt32()));
    }

    private static Socket Connect(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000 };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    // The status, or the error.
    private static async Task<string> AskAsync(Socket socket)
    {
        var buffer = new byte[1024];
        try
        {
            // A client refused before it has sent its request may find the connection closed; the response is still readable.
            await socket.SendAsync("GET /any HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }
        catch (SocketException)
        {
        }

        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var length = await socket.ReceiveAsync(buffer, patience.Token);
            return length == 0 ? "closed" : System.Text.Encoding.ASCII.GetString(buffer, 9, 3);
        }
        catch (Exception problem) when (problem is SocketException or OperationCanceledException)
        {
            return problem.GetType().Name + string.Create(CultureInfo.InvariantCulture, $" {(problem as SocketException)?.SocketErrorCode}");
        }
    }
}
