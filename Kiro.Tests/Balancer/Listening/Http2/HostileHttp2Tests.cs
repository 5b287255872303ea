using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Http2;

/// <summary>Hostile HTTP/2 clients, frame by frame (RFC 9113).</summary>
public class HostileHttp2Tests
{
    private const byte HeadersFrame = 1;
    private const byte ResetFrame = 3;
    private const byte SettingsFrame = 4;
    private const byte ContinuationFrame = 9;
    private const byte EndsStreamAndHeaders = 5;

    // GET http / with authority a, in HPACK (RFC 7541).
    private static readonly byte[] Get = [0x82, 0x86, 0x84, 0x41, 1, (byte)'a'];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_ResetByTheThousand_EndTheConnectionAndNothingElse()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using (var client = await ConnectAsync(balancer))
        {
            // CVE-2023-44487.
            await SendUntilClosedAsync(client, number => [.. Frame(HeadersFrame, EndsStreamAndHeaders, 1 + 2 * number, Get), .. Frame(ResetFrame, 0, 1 + 2 * number, [0, 0, 0, 8])]);
        }

        Assert.True((await balancer.Http.GetAsync("/", Cancel)).IsSuccessStatusCode);
        Assert.True(balancer.Backend(node.Port).Health.Reachable);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Fields_WithoutEnd_EndTheConnection()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var client = await ConnectAsync(balancer);
        await client.SendAsync(Frame(HeadersFrame, 1, 1, Get), Cancel);
        byte[] field = [0, 1, (byte)'a', 100, .. Encoding.ASCII.GetBytes(new string('b', 100))];

        await SendUntilClosedAsync(client, _ => Frame(ContinuationFrame, 0, 1, field));

        Assert.Empty(node.Arrived);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Tunnel_ThatThereIsNot_IsRefusedWithoutAWordInTheLog()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var client = await ConnectAsync(balancer);

        await client.SendAsync(Frame(HeadersFrame, EndsStreamAndHeaders, 1, [2, 7, .. "CONNECT"u8, 0x41, 3, .. "a:1"u8]), Cancel);

        var received = new byte[4096];
        var text = "";
        while (!text.Contains("CONNECT is not supported", StringComparison.Ordinal))
        {
            var count = await client.ReceiveAsync(received, Cancel);
            Assert.NotEqual(0, count);
            text += Encoding.Latin1.GetString(received, 0, count);
        }

        Assert.Empty(balancer.Logs);
    }

    private static async Task<Socket> ConnectAsync(TestBalancer balancer)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, balancer.Port, Cancel);
        await socket.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(SettingsFrame, 0, 0, [])], Cancel);
        return socket;
    }

    private static async Task SendUntilClosedAsync(Socket client, Func<int, byte[]> frames)
    {
        try
        {
            for (var number = 0; ; number++)
            {
                Assert.NotEqual(1_000_000, number);
                await client.SendAsync(frames(number), Cancel);
            }
        }
        catch (SocketException)
        {
            // Closed.
        }
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8 | type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }
}

[OverYarp]
public sealed class HostileHttp2OverYarpTests : HostileHttp2Tests;
