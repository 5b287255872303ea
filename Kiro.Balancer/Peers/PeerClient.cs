using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Peers;

/// <summary>Sends messages to a peer, each over a new connection.</summary>
internal sealed class PeerClient : IDisposable
{
    /// <summary>For orders.</summary>
    public const string Path = "/lb/peers/orders";

    /// <summary>For sessions.</summary>
    public const string SessionsPath = "/lb/peers/sessions";

    /// <summary>For a whole request and response.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>In bytes, more than <see cref="PeerExchange"/> ever sends.</summary>
    private const int MaxResponse = 4 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly PeerName _name;
    private readonly string? _host;
    private readonly Reloadable<PeerOptions> _options;
    private readonly TimeProvider _time;

    public PeerClient(PeerAddress peer, Reloadable<PeerOptions> options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        // The peer's admin listener may not accept the configured name. With TLS, the certificate is verified against it.
        _host = peer.Name.Scheme == "http" ? new IPEndPoint(peer.Address, peer.Name.Port).ToString() : null;
        _name = peer.Name;
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            // The token must not go elsewhere.
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.Zero,
            RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
            // The name may resolve to several peers.
            ConnectCallback = (_, cancellationToken) => ConnectAsync(new IPEndPoint(peer.Address, peer.Name.Port), cancellationToken),
        })
        {
            MaxResponseContentBufferSize = MaxResponse,
            Timeout = System.Threading.Timeout.InfiniteTimeSpan,
        };
    }

    /// <inheritdoc cref="AskPeer" />
    public async Task<PeerResponse> AskAsync(PeerRequest request, CancellationToken cancellationToken)
    {
        var response = await SendAsync(Path, "application/json", JsonSerializer.SerializeToUtf8Bytes(request, PeerJson.Default.PeerRequest), cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(response, PeerJson.Default.PeerResponse) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new PeerException("sends an invalid response");
        }
    }

    /// <inheritdoc cref="AskSessions" />
    public Task<byte[]> AskSessionsAsync(byte[] message, CancellationToken cancellationToken) =>
        SendAsync(SessionsPath, "application/octet-stream", message, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task<byte[]> SendAsync(string path, string type, byte[] body, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, new UriBuilder(_name.Scheme, _name.Host, _name.Port, path).Uri)
        {
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        request.Headers.Host = _host;
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Kiro", ServiceDefaultsExtensions.Version));
        request.Headers.TryAddWithoutValidation("Authorization", _options.Value.Authorization);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? await response.Content.ReadAsByteArrayAsync(either.Token)
                : throw new PeerException(Describe((int)response.StatusCode));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new PeerException("does not respond");
        }
        catch (HttpRequestException failure)
        {
            throw new PeerException(failure.HttpRequestError == HttpRequestError.SecureConnectionError
                ? $"cannot be trusted: {failure.InnerException?.Message}"
                : $"cannot be reached: {ConnectError.From(failure).Problem}");
        }
    }

    private static string Describe(int status) => status switch
    {
        StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests => "has a different ADMIN_TOKEN",
        StatusCodes.Status404NotFound => "does not accept admin actions from peers: it is of an older version, or has no ADMIN_TOKEN",
        >= 300 and < 400 => "redirects: does it need https://?",
        _ => $"responds with {status}",
    };

    private static async ValueTask<Stream> ConnectAsync(IPEndPoint peer, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(peer, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A peer could not be reached, or its response is unusable.</summary>
/// <param name="problem">Why, as a predicate to the peer's name.</param>
internal sealed class PeerException(string problem) : Exception(problem);
