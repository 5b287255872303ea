using System.Diagnostics;
using System.IO.Hashing;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Front.Tls;

/// <summary>
/// TLS on an event loop with unusual records and segments. The HTTP side is covered by the forwarding tests over TLS.
/// </summary>
public sealed class TlsSessionTests : IDisposable
{
    private readonly TestCertificates _files = new();
    private readonly TlsPeer _peer = new();

    public TlsSessionTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The event loops need Linux.");
        _files.Write("a", ["a.example"]);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Receive_SingleByteSegments_AreReassembled(SslProtocols version)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        using var client = await ConnectAsync(socket => new ShapedStream(socket) { Dribbles = true }, version);

        await client.SendAsync(Get("/1"));

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        await Eventually.BeTrue(() => balancer.Front.HeldBytes == 0, "nothing is held for a client that waits");
    }

    [Fact]
    public async Task Receive_ManyRecordsInOneSegment_AreServedInOrder()
    {
        await using var node = new RawBackend(exchange => exchange.OkAsync(exchange.Head.Split(' ')[1]));
        await using var balancer = await StartAsync(node);
        ShapedStream? shaped = null;
        using var client = await ConnectAsync(socket => shaped = new ShapedStream(socket));

        shaped!.Holds = true;
        for (var number = 0; number < 300; number++)
        {
            await client.SendAsync(Get($"/{number}"));
        }

        await shaped.ReleaseAsync();
        for (var number = 0; number < 300; number++)
        {
            Assert.Equal($"/{number}", (await client.ReadResponseAsync()).Body);
        }
    }

    // Records end at a segment boundary, or anywhere else.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Receive_RandomRecordsAndSegments_YieldTheBody(int seed)
    {
        var random = new Random(seed);
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Settings());
        using var client = await ConnectAsync(socket => new ShapedStream(socket) { Cuts = random });
        for (var round = 0; round < 20; round++)
        {
            var body = new byte[random.Next(1, 400_000)];
            random.NextBytes(body);
            var hash = new XxHash3();
            hash.Append(body);
            await client.SendAsync($"POST /count HTTP/1.1\r\nHost: a.example\r\nContent-Length: {body.Length}\r\n\r\n");
            for (int at = 0, length; at < body.Length; at += length)
            {
                length = Math.Min(body.Length - at, random.Next(1, 40_000));
                await client.Stream.WriteAsync(body.AsMemory(at, length));
            }

            Assert.EndsWith(TestBackendRoutes.Count(body.Length, hash), (await client.ReadResponseAsync()).Body, StringComparison.Ordinal);
        }

        await Eventually.BeTrue(() => balancer.Front.HeldBytes == 0, "nothing is held for a client that waits");
    }

    // The balancer's own page is served by Kestrel, with what followed the request and what comes after it.
    [Fact]
    public async Task HandOver_WithFurtherRecords_LosesNothing()
    {
        await using var node = new RawBackend(exchange => exchange.OkAsync(exchange.Head.Split(' ')[1]));
        await using var balancer = await StartAsync(node);
        ShapedStream? shaped = null;
        using var client = await ConnectAsync(socket => shaped = new ShapedStream(socket));

        shaped!.Holds = true;
        foreach (var path in new[] { "/1", "/lb/status", "/2" })
        {
            await client.SendAsync(Get(path));
        }

        await shaped.ReleaseAsync();
        Assert.Equal("/1", (await client.ReadResponseAsync()).Body);
        Assert.Contains("\"backends\"", (await client.ReadResponseAsync()).Body, StringComparison.Ordinal);
        Assert.Equal("/2", (await client.ReadResponseAsync()).Body);
        await client.SendAsync(Get("/3"));
        Assert.Equal("/3", (await client.ReadResponseAsync()).Body);
        Assert.All(node.Heads, head => Assert.Equal("https", RawHead.Value(head, "X-Forwarded-Proto")));
    }

    // RFC 8446, section 4.6.3.
    [Fact]
    public async Task Receive_KeyUpdate_Continues()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        var openssl = Requirement.Find("openssl");
        Requirement.Need("openssl", openssl is not null, "no openssl is installed.");
        using var client = Process.Start(new ProcessStartInfo(openssl!, ["s_client", "-connect", $"127.0.0.1:{_peer.Port}", "-tls1_3", "-no_ign_eof"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = new StringBuilder();
        client.OutputDataReceived += (_, line) => Note(line.Data);
        client.ErrorDataReceived += (_, line) => Note(line.Data);
        client.BeginOutputReadLine();
        client.BeginErrorReadLine();

        await SayAsync(Get("/1"));
        await Eventually.BeTrue(() => node.Heads.Count == 1, "the first request is there");
        // s_client takes commands from the start of what it reads at once: K updates its keys and requests an update.
        await SayAsync("K\n");
        await Eventually.BeTrue(() => Said("KEYUPDATE"), "the keys are changed");
        await SayAsync(Get("/2"));
        await Eventually.BeTrue(() => node.Heads.Count == 2, "the second request is there");
        await SayAsync("Q\n");
        await client.WaitForExitAsync(Cancel);
        Assert.Equal(0, client.ExitCode);

        async Task SayAsync(string text)
        {
            await client.StandardInput.WriteAsync(text);
            await client.StandardInput.FlushAsync(Cancel);
        }

        void Note(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }

        bool Said(string word)
        {
            lock (output)
            {
                return output.ToString().Contains(word, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Sessions_Idle_HoldNoBuffers()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await StartAsync(node);
        var clients = new List<RawClient>();
        for (var number = 0; number < 50; number++)
        {
            var client = await ConnectAsync(socket => new ShapedStream(socket));
            clients.Add(client);
            await client.SendAsync(Get("/"));
            Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        }

        await Eventually.BeTrue(() => balancer.Front.HeldBytes == 0, "nothing is held");
        Assert.Equal(50, balancer.Front.Clients);
        clients.ForEach(client => client.Dispose());
        await Eventually.BeTrue(() => balancer.Front.Clients == 0, "all have left");
        Assert.Equal(0, balancer.Front.All.Sum(worker => worker.Handshakes));
    }

    public void Dispose() => _files.Dispose();

    private static string Get(string path) => $"GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n";

    private string[] Settings() => [$"TLS_PORT={_peer.Port}", $"TLS_CERTIFICATES={_files.Folder}"];

    private Task<TestBalancer> StartAsync(RawBackend node) => TestBalancer.StartAsync(node.Host, Settings());

    private async Task<RawClient> ConnectAsync(Func<Socket, Stream> shape, SslProtocols version = SslProtocols.None)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, _peer.Port, Cancel);
        var stream = await RawClient.OverTlsAsync(shape(socket), new SslClientAuthenticationOptions { EnabledSslProtocols = version });
        return new RawClient(new RawStream(socket, stream));
    }
}
