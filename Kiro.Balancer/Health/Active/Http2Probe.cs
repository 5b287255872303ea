using System.Net;
using System.Net.Http.Headers;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Health.Active;

/// <summary>
/// An HTTP/2 probe: <c>GET</c> of the health path, or the gRPC health checking protocol with
/// <c>HEALTH_PATH=/grpc.health.v1.Health/Check</c>.
/// </summary>
internal static class Http2Probe
{
    /// <summary>In bytes; the rest of a longer body is not read.</summary>
    private const int MaxBody = 64 * 1024;

    private const string GrpcHealth = "/grpc.health.v1.Health/Check";
    private const int Serving = 1;

    /// <summary>An uncompressed, empty HealthCheckRequest: for the whole server.</summary>
    private static readonly byte[] EmptyMessage = new byte[5];

    /// <param name="connection">A new connection.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="options">The probe settings.</param>
    /// <param name="cancellationToken">Cancels the probe.</param>
    /// <exception cref="IOException">The connection was lost.</exception>
    /// <exception cref="InvalidDataException">A malformed response: a forwarded request would get 502.</exception>
    public static async Task<ProbeResponse> AskAsync(Stream connection, Backend backend, HealthOptions options, CancellationToken cancellationToken)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectCallback = (_, _) => ValueTask.FromResult(backend.IsTls ? new Forwarding.Yarp.HttpsSchemeStream(connection) : connection),
        });
        var isGrpc = options.Path == GrpcHealth;
        using var request = new HttpRequestMessage(isGrpc ? HttpMethod.Post : HttpMethod.Get, backend.UrlPrefix + options.Path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = isGrpc ? new ByteArrayContent(EmptyMessage) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } } : null,
        };
        request.Headers.Host = options.Host;
        request.Headers.TryAddWithoutValidation("User-Agent", ProbeResponse.UserAgent);
        if (isGrpc)
        {
            request.Headers.TE.ParseAdd("trailers");
        }

        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            var body = await ReadAsync(response, cancellationToken);
            return new ProbeResponse((int)response.StatusCode, body, isGrpc ? GrpcProblem(response, body.Span) : null);
        }
        catch (HttpRequestException failure)
        {
            throw failure.HttpRequestError is HttpRequestError.ResponseEnded
                ? new IOException(failure.Message, failure) : new InvalidDataException(failure.Message, failure);
        }
        catch (HttpProtocolException failure)
        {
            throw new InvalidDataException(failure.Message, failure);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var (bytes, length) = (new byte[MaxBody], 0);
        while (length < MaxBody && await stream.ReadAsync(bytes.AsMemory(length), cancellationToken) is > 0 and var count)
        {
            length += count;
        }

        return bytes.AsMemory(0, length);
    }

    // HealthCheckResponse: field 1, an enum.
    private static string? GrpcProblem(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var trailer) ? trailer.First()
            : response.Headers.TryGetValues("grpc-status", out var field) ? field.First() : "missing";
        if (status != "0")
        {
            return $"gRPC health check: status {status}";
        }

        return body is [0, _, _, _, _, 0x08, Serving, ..] ? null : "gRPC health check: not serving";
    }
}
