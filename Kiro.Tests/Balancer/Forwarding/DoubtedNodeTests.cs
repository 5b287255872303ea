using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that may be ill gets its idle connections back: they may hold the threads that the probe waits for.</summary>
public class DoubtedNodeTests
{
    private const string Post = "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n";

    private readonly TaskCompletionSource _areAllHere = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _expected;
    private int _open;
    private volatile bool _ignoresProbes;

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task IdleConnections_OfANodeThatFailsItsProbe_AreClosed(int count)
    {
        _expected = count;
        await using var node = new SocketServer(ServeAsync);
        await using var balancer = await TestBalancer.StartAsync($"127.0.0.1:{node.Port}", "HEALTH_INTERVAL=0.3", "HEALTH_TIMEOUT=0.3", "HEALTH_FALL=100");
        var answers = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => balancer.ExchangeAsync(Post)));
        Assert.All(answers, answer => Assert.Equal("ok", answer.Body));

        _ignoresProbes = true;

        await Eventually.BeTrue(() => Volatile.Read(ref _open) == 0, "the node sees the end of all");
        // What comes next has a new one, and is not lost.
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

        // Nobody's connection is free for another: each request has its own.
        if (Interlocked.Increment(ref _open) == _expected)
        {
            _areAllHere.TrySetResult();
        }

        try
        {
            await _areAllHere.Task.WaitAsync(stop);
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
