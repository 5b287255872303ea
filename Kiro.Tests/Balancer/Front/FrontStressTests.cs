using System.Globalization;
using Kiro.Balancer.Front.Native;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front;

/// <summary>
/// Clients and backends that abort, stall and recover, all at the same time: whatever happens to a request, nothing leaks.
/// <c>KIRO_STRESS_SECONDS</c> makes it longer: more rounds, each with new connections.
/// </summary>
[Collection(RunsAlone.Name)]
public class FrontStressTests(ITestOutputHelper output)
{
    private const int Clients = 24;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(4);

    private static readonly int Rounds = (int)Math.Ceiling(
        double.Parse(Environment.GetEnvironmentVariable("KIRO_STRESS_SECONDS") ?? "4", CultureInfo.InvariantCulture) / Round.TotalSeconds);

    private static readonly string[] Requests =
    [
        "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nHEAD /c HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /old HTTP/1.0\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "PUT /p HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nhalf of it",
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        "GET /half HTTP/1.1\r\nHo",
        "no HTTP at all\r\n\r\n",
    ];

    private static readonly string[] Responses =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + new string('x', 200_000),
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "rubbish\r\n\r\n",
        "",
    ];

    [Fact]
    public async Task Loops_AfterAllKindsOfFailures_LeakNothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");
        for (var round = 0; round < Rounds; round++)
        {
            await PlayAsync(round);
        }
    }

    private async Task PlayAsync(int round)
    {
        var before = FrontSocket.OpenCount;
        await using var one = Breaking();
        await using var two = Breaking();
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", "FORWARDER=loop", "FRONT_LOOPS=2");
        using var end = new CancellationTokenSource(Round);

        var sent = await Task.WhenAll(Enumerable.Range(0, Clients).Select(seed => PlayAsync(balancer.Port, new Random(round * Clients + seed), end.Token)));
        output.WriteLine($"{sent.Sum()} connections, {one.Heads.Count + two.Heads.Count} requests arrived");

        await Eventually.BeTrue(() => balancer.Front.Clients == 0, "all connections of clients are over");
        await Eventually.BeTrue(
            () => balancer.Backend(one.Port).Counters is { InFlight: 0, Awaiting: 0 } && balancer.Backend(two.Port).Counters is { InFlight: 0, Awaiting: 0 },
            "no request is under way");
        await Eventually.BeTrue(() => balancer.Front.HeldBytes == 0, "no buffer is held");
        await Eventually.BeTrue(() => FrontSocket.OpenCount - before == balancer.Front.NodeConnections, "every descriptor is one of the pool's");
        Assert.DoesNotContain(balancer.Logs, line => line.Contains("event loop", StringComparison.Ordinal));
        await balancer.DisposeAsync();
        Assert.Equal(before, FrontSocket.OpenCount);
    }

    private static RawBackend Breaking() => new(async exchange =>
    {
        var random = Random.Shared;
        if (random.Next(4) == 0)
        {
            await Task.Delay(random.Next(50), CancellationToken.None);
        }

        var response = Responses[random.Next(Responses.Length)];
        var cut = random.Next(8) == 0 ? random.Next(response.Length + 1) : response.Length;
        await exchange.WriteAsync(response[..cut]);
        switch (random.Next(5))
        {
            case 0:
                exchange.Close();
                break;
            case 1:
                exchange.Reset();
                break;
            default:
                if (cut < response.Length || random.Next(2) == 0)
                {
                    exchange.Close();
                }

                break;
        }
    });

    private static async Task<int> PlayAsync(int port, Random random, CancellationToken end)
    {
        var connections = 0;
        while (!end.IsCancellationRequested)
        {
            connections++;
            using var client = await RawClient.ConnectAsync(port);
            try
            {
                for (var number = random.Next(1, 4); number > 0; number--)
                {
                    await client.SendAsync(Requests[random.Next(Requests.Length)]);
                    await Task.Delay(random.Next(20), CancellationToken.None);
                }
            }
            catch (IOException)
            {
                // The balancer has closed the connection.
            }

            switch (random.Next(3))
            {
                case 0:
                    client.Stream.Reset();
                    break;
                case 1:
                    client.Stream.HalfClose();
                    await Task.Delay(random.Next(50), CancellationToken.None);
                    break;
            }
        }

        return connections;
    }
}

/// <summary>The same with TLS to clients and nodes.</summary>
[OverTls]
[Collection(RunsAlone.Name)]
public sealed class FrontStressTestsOverTls(ITestOutputHelper output) : FrontStressTests(output);
