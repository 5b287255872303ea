using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Load;
using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>Checks a proxy before it is measured: correct responses, and every client on one node.</summary>
internal sealed class ProxyCheck(IPEndPoint address, ClientIdentity identity, LoadKind kind)
{
    private const int CheckedClients = 40;
    private const int RequestsEach = 3;

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(20);

    /// <exception cref="InvalidOperationException">A check failed.</exception>
    public async Task RunAsync(PinnedProcess process)
    {
        await AwaitStartAsync(process);
        if (kind == LoadKind.Grpc)
        {
            // gRPC nodes only support calls.
            return;
        }

        using var client = Client(new IPAddress([127, 1, 0, 0]));
        await CheckAnswerAsync(client, BackendFiles.TenKilobytes);
        await CheckAnswerAsync(client, BackendFiles.Megabyte);
        using var posted = await client.PostAsync(BackendFiles.Post.Path, new ByteArrayContent(BackendFiles.Post.Body()));
        NodeOf(await posted.Content.ReadAsStringAsync(), posted.StatusCode);

        var nodes = new HashSet<string>();
        foreach (var who in identity == ClientIdentity.SourceAddress
            ? ClientAddresses.Sources(CheckedClients, identity)
            : ClientAddresses.Forward(identity)[..CheckedClients])
        {
            nodes.Add(await CheckStickyAsync(who));
        }

        if (nodes.Count < BackendServers.Count)
        {
            throw new InvalidOperationException($"{CheckedClients} clients went to {nodes.Count} of {BackendServers.Count} nodes");
        }
    }

    private async Task AwaitStartAsync(PinnedProcess process)
    {
        using var client = Client(IPAddress.Loopback);
        using var most = new CancellationTokenSource(StartTime);
        while (true)
        {
            process.ThrowIfEnded();
            try
            {
                using var response = kind == LoadKind.Grpc
                    ? await client.SendAsync(Call(), most.Token)
                    : await client.GetAsync(BackendFiles.SmallGet.Path, most.Token);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            catch (OperationCanceledException)
            {
                throw new InvalidOperationException($"did not respond within {StartTime.TotalSeconds} s");
            }

            await Task.Delay(50);
        }
    }

    private static async Task CheckAnswerAsync(HttpClient client, Exchange exchange)
    {
        var body = await client.GetByteArrayAsync(exchange.Path);
        if (!body.AsSpan().SequenceEqual(BackendFiles.Content(exchange)))
        {
            throw new InvalidOperationException($"the response to {exchange.Path} was modified");
        }
    }

    private async Task<string> CheckStickyAsync(IPAddress who)
    {
        using var client = Client(identity == ClientIdentity.SourceAddress ? who : IPAddress.Loopback);
        if (identity == ClientIdentity.ForwardedFor)
        {
            client.DefaultRequestHeaders.Add("X-Forwarded-For", who.ToString());
        }

        string? node = null;
        for (var request = 0; request < RequestsEach; request++)
        {
            using var response = await client.GetAsync(BackendFiles.SmallGet.Path);
            var next = NodeOf(await response.Content.ReadAsStringAsync(), response.StatusCode);
            node = next == (node ?? next) ? next : throw new InvalidOperationException($"client {who} went to {node}, then to {next}");
        }

        return node!;
    }

    private static string NodeOf(string response, HttpStatusCode status) => status == HttpStatusCode.OK
        ? Enumerable.Range(1, BackendServers.Count).Select(number => $"api-{number}").FirstOrDefault(node => response == BackendFiles.NodeResponse(node))
            ?? throw new InvalidOperationException($"a wrong response: {response}")
        : throw new InvalidOperationException($"status {(int)status}");

    private static HttpRequestMessage Call() => new(HttpMethod.Post, "/bench.Echo/Unary")
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new ByteArrayContent(GrpcMessage.OfBytes(100)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        Headers = { TE = { new TransferCodingWithQualityHeaderValue("trailers") } },
    };

    private HttpClient Client(IPAddress source) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = "bench.example",
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        },
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(source, 0));
            await socket.ConnectAsync(address, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri($"{(kind == LoadKind.Plain ? "http" : "https")}://{address}") };
}
