using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that fails a probe gets its idle connections closed: they may occupy the threads that the probe needs.</summary>
public class SuspectNodeTests
{
    private const string Post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n";

    private readonly TaskCompletionSource _allArrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _expected;
    private int _open;
    private volatile bool _ignoresProbes;

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task IdleConnections_ProbeFails_AreClosed(int count)
    {
        _expected = count;
        await using var node = new SocketServer(ServeAsync);
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{node.Port}", "HEALTH_INTERVAL=0.3", "HEALTH_TIMEOUT=0.3", "HEALTH_FALL=100");
        var answers = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => balancer.ExchangeAsync(Post)));
        Assert.All(answers, response => Assert.Equal("ok", response.Body));

        _ignoresProbes = true;

        await Eventually.BeTrue(() => Volatile.Read(ref _open) == 0, "the node has seen all of them close");
        // The next request opens a new connection and succeeds.
        Assert.Equal("ok", (await balancer.ExchangeAsync(Post)).Body);
    }

    private async Task ServeAsync(NetworkStream stream, CancellationToken stop)
    {
        if ((await ReadHeadAsync(stream, stop)).StartsWith("GET /health ", StringComparison.Ordinal))
        {
            await Task.Delay(_ignoresProbes ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, stop);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"status\":\"ok\"}"u8.ToArray(), stop);
            return;
        }

        // No response before all requests are in, so that each needs a connection of its own.
        if (Interlocked.Increment(ref _open) == _expected)
        {
            _allArrived.TrySetResult();
        }

        try
        {
            await _allArrived.Task.WaitAsync(stop);
            do
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray(), stop);
            }
            while ((await ReadHeadAsync(stream, stop)).Length > 0);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private static async Task<string> ReadHeadAsync(NetworkStream stream, CancellationToken stop)
    {
        var (head, one) = (new StringBuilder(), new byte[1]);
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, stop) == 1)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
