using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>CONNECT_TIMEOUT, EXCHANGE_TIMEOUT, CLIENT_IDLE_TIMEOUT and LISTEN_ADDRESS.</summary>
public class TimeoutSettingsTests
{
    [Fact]
    public async Task ConnectTimeout_BacklogIsFull_FailsAfterIt()
    {
        // With the backlog full, further connections are neither accepted nor refused.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var queued = Enumerable.Range(0, 8).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false }).ToList();
        foreach (var socket in queued)
        {
            _ = socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
        }

        var time = new FakeTimeProvider();
        var connecting = BackendSocket.ConnectAsync(new DnsEndPoint("127.0.0.1", port), TimeSpan.FromSeconds(7), time, TestContext.Current.CancellationToken).AsTask();

        time.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(connecting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));
        var problem = await Assert.ThrowsAsync<TimeoutException>(() => connecting);
        Assert.EndsWith("within 7 s", problem.Message, StringComparison.Ordinal);
        queued.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task ExchangeTimeout_NodeIsSilent_Is504AfterIt()
    {
        await using var silent = new RawBackend(exchange => exchange.Connection.ReadToEndAsync());
        await using var clock = await BalancerOnFakeTime.StartAsync(silent.Host, "EXCHANGE_TIMEOUT=20");
        using var client = await RawClient.ConnectAsync(clock.Balancer.Port);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n");
        await Eventually.BeTrue(() => silent.Heads.Count == 1, "the node has the request");

        await clock.AdvanceAsync(15);
        Assert.Equal(1, clock.Balancer.Backend(silent.Port).Counters.InFlight);
        await clock.AdvanceAsync(15);

        Assert.Equal(504, (await client.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task ClientIdleTimeout_IdleClient_IsClosed()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "CLIENT_IDLE_TIMEOUT=1");
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);

        Assert.Equal("", await client.Stream.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ListenAddress_TwoAddresses_ListensOnThoseOnly()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "LISTEN_ADDRESS=127.0.0.2,::1");

        Assert.Equal(200, (await RawClient.ExchangeAsync(balancer.Port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", IPAddress.Parse("127.0.0.2"))).Status);
        Assert.Equal(200, (await RawClient.ExchangeAsync(balancer.Port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", IPAddress.IPv6Loopback)).Status);
        await Assert.ThrowsAsync<SocketException>(() => RawClient.ConnectAsync(balancer.Port, IPAddress.Loopback));
    }
}
