using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Takeover;

/// <summary>
/// A takeover between this version and one that speaks the first version of the protocol, which the test plays, byte by byte:
/// <c>kiro takeover 1</c>, the addresses with their sockets, <c>ready</c>, <c>leaving</c>. In between there was one that sent
/// its state under the same name, after the addresses and after <c>leaving</c>.
/// </summary>
public sealed class OlderVersionTests : IAsyncLifetime
{
    private readonly int _port = FreePort.Next();
    private TestBackend _node = null!;
    private ServiceProcess? _balancer;

    public async ValueTask InitializeAsync()
    {
        Requirement.Need("Linux", OperatingSystem.IsLinux(), "takeover needs Linux.");
        _node = await TestBackend.StartAsync("node-1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_balancer is not null)
        {
            await _balancer.DisposeAsync();
        }

        await _node.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_TheOlderSpeaksVersionOne_TakesItsSocketsOver(bool sendsState)
    {
        using var listening = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        listening.Bind(new IPEndPoint(IPAddress.IPv6Any, _port));
        listening.Listen(100);
        // Stands in the queue before the newer process is there: nobody else has it.
        using var waiting = await RawClient.ConnectAsync(_port);
        using var control = Control();
        control.Bind(Name());
        control.Listen();
        _balancer = Start("--takeover");

        using (var refused = await AcceptAsync(control))
        {
            Assert.Equal("kiro takeover 2", await ReceiveAsync(refused));
        }

        using var newer = await AcceptAsync(control);
        Assert.Equal("kiro takeover 1", await ReceiveAsync(newer));
        DescriptorMessage.Send(newer, Length($"[::]:{_port}"), [(int)listening.Handle]);
        await newer.SendAsync(Encoding.UTF8.GetBytes($"[::]:{_port}"));
        if (sendsState)
        {
            await SendAsync(newer, """{"version":1}""");
        }

        Assert.Equal("ready", await ReceiveAsync(newer));
        await waiting.SendAsync("GET /hello HTTP/1.1\r\nHost: kiro.test\r\n\r\n");
        Assert.Equal(200, (await waiting.ReadResponseAsync()).Status);
        // Until it hears that this one leaves, it must not take the name, which it could not have.
        Assert.DoesNotContain("Took over the port", _balancer.Output, StringComparison.Ordinal);
        control.Dispose();
        await SendAsync(newer, "leaving");
        if (sendsState)
        {
            // The newer process may have closed already: it needs no more than the word.
            _ = await Record.ExceptionAsync(() => SendAsync(newer, """{"version":1}"""));
        }

        await Eventually.BeTrue(() => _balancer.Output.Contains("Took over the port", StringComparison.Ordinal), "it has heard that the older one leaves");
        Assert.Contains("is an older version and hands over its sockets only", _balancer.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("No newer process can take over the port", _balancer.Output, StringComparison.Ordinal);
        await Eventually.BeTrue(IsOffered, "a process that is newer still may take over");
    }

    [Fact]
    public async Task Offer_TheNewerSpeaksVersionOne_HandsItsSocketsOverAndNothingElse()
    {
        _balancer = Start();
        await Eventually.BeTrue(() => _balancer.Output.Contains("Listening on", StringComparison.Ordinal), "it listens");
        await Eventually.BeTrue(IsOffered, "a newer process may take over");
        using var older = Control();
        await older.ConnectAsync(Name(), TestContext.Current.CancellationToken);

        await SendAsync(older, "kiro takeover 1");
        await older.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, TestContext.Current.CancellationToken);
        var (length, descriptors) = (new byte[sizeof(int)], new List<int>());
        Assert.Equal(sizeof(int), DescriptorMessage.Receive(older, length, descriptors));
        var addresses = Encoding.UTF8.GetString(await ReceiveAsync(older, BinaryPrimitives.ReadInt32LittleEndian(length)));
        Assert.Equal($":{_port}", addresses[^($":{_port}".Length)..]);
        using var listening = new Socket(new SafeSocketHandle(Assert.Single(descriptors), ownsHandle: true));
        await SendAsync(older, "ready");

        Assert.Equal("leaving", await ReceiveAsync(older));
        Assert.Empty(await ReceiveAsync(older, 1));
        Assert.Equal(0, await _balancer.ExitCode());
        using var client = await RawClient.ConnectAsync(_port);
        using var accepted = await listening.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal(_port, ((IPEndPoint)accepted.LocalEndPoint!).Port);
    }

    private static async Task<Socket> AcceptAsync(Socket control)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(Eventually.Patience));
        return await control.AcceptAsync(limit.Token);
    }

    private static async Task<string> ReceiveAsync(Socket socket)
    {
        var length = await ReceiveAsync(socket, sizeof(int));
        return Encoding.UTF8.GetString(await ReceiveAsync(socket, BinaryPrimitives.ReadInt32LittleEndian(length)));
    }

    /// <summary>So many bytes, or what comes before the end.</summary>
    private static async Task<byte[]> ReceiveAsync(Socket socket, int length)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(Eventually.Patience));
        var bytes = new byte[length];
        var received = 0;
        while (received < length && await socket.ReceiveAsync(bytes.AsMemory(received), SocketFlags.None, limit.Token) is > 0 and var more)
        {
            received += more;
        }

        return bytes[..received];
    }

    private static async Task SendAsync(Socket socket, string message) => await socket.SendAsync((byte[])[.. Length(message), .. Encoding.UTF8.GetBytes(message)]);

    private static byte[] Length(string message)
    {
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, Encoding.UTF8.GetByteCount(message));
        return length;
    }

    private static Socket Control() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    // As older versions call it, too: it must never change.
    private UnixDomainSocketEndPoint Name() => new($"\0kiro-balancer/{_port}/*");

    private async Task<bool> IsOffered()
    {
        using var socket = Control();
        await socket.ConnectAsync(Name(), TestContext.Current.CancellationToken);
        return true;
    }

    private ServiceProcess Start(params string[] arguments) => new(
        "Kiro.Balancer",
        new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = _port.ToString(CultureInfo.InvariantCulture), ["BACKEND_HOSTS"] = _node.Host, ["DRAIN_DELAY"] = "0",
        },
        arguments);
}
