using System.Net;
using System.Net.Http.Headers;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Health.Active;

/// <summary>
/// An HTTP/1 probe. It uses the response parser of forwarded requests, so that a backend passes only if its responses can be
/// forwarded.
/// </summary>
internal sealed class ProbeExchange(Stream connection)
{
    /// <summary>In bytes; the rest of a longer body is not read.</summary>
    private const int MaxBody = 64 * 1024;

    private const int MaxInterim = 100;

    private readonly ResponseHead _head = new();
    private byte[] _bytes = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The status code of the final response.</summary>
    public int Status => _head.Status;

    /// <exception cref="IOException">The connection was lost.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken) => connection.WriteAsync(request, cancellationToken);

    /// <returns>The body, truncated if it is long.</returns>
    /// <exception cref="IOException">The connection was lost or closed before the end of the response.</exception>
    /// <exception cref="InvalidDataException">A malformed response: a forwarded request would get 502.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        for (var interim = 0; ; interim++)
        {
            await ReadHeadAsync(cancellationToken);
            if (!_head.IsInterim)
            {
                break;
            }

            if (Status == StatusCodes.Status101SwitchingProtocols || interim == MaxInterim)
            {
                throw new InvalidDataException();
            }
        }

        return _head.Framing(isHead: false) switch
        {
            BodyFraming.None => default,
            BodyFraming.Chunked => await ReadChunksAsync(cancellationToken),
            BodyFraming.Length => await ReadBytesAsync((int)Math.Min(MaxBody, _head.ContentLength!.Value), isWhole: true, cancellationToken),
            _ => await ReadBytesAsync(MaxBody, isWhole: false, cancellationToken),
        };
    }

    private async Task ReadHeadAsync(CancellationToken cancellationToken)
    {
        for (var looked = 0; ;)
        {
            var state = _start == _end ? HeadState.Incomplete : ResponseParser.Parse(_bytes.AsSpan(_start.._end), looked, _head, out looked);
            if (state == HeadState.Complete)
            {
                _start += looked;
                return;
            }

            looked = _end - _start;
            if (state == HeadState.Invalid)
            {
                throw new InvalidDataException();
            }

            await ReceiveAsync(cancellationToken);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadBytesAsync(int length, bool isWhole, CancellationToken cancellationToken)
    {
        while (_end - _start < length)
        {
            if (!await TryReceiveAsync(cancellationToken))
            {
                if (isWhole)
                {
                    throw new EndOfStreamException();
                }

                break;
            }
        }

        return _bytes.AsMemory(_start, Math.Min(length, _end - _start));
    }

    private async Task<ReadOnlyMemory<byte>> ReadChunksAsync(CancellationToken cancellationToken)
    {
        var (decoder, body) = (new ChunkDecoder(), new MemoryStream());
        while (body.Length < MaxBody)
        {
            if (!decoder.TryRead(_bytes.AsSpan(_start.._end), out var consumed, out var data))
            {
                throw new InvalidDataException();
            }

            _start += consumed;
            body.Write(_bytes, _start - data, data);
            if (decoder.IsComplete)
            {
                break;
            }

            if (consumed == 0)
            {
                await ReceiveAsync(cancellationToken);
            }
        }

        return body.ToArray();
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        if (!await TryReceiveAsync(cancellationToken))
        {
            throw new EndOfStreamException();
        }
    }

    private async Task<bool> TryReceiveAsync(CancellationToken cancellationToken)
    {
        if (_end == _bytes.Length)
        {
            // Bounded, as heads and bodies are.
            if (_start == 0)
            {
                Array.Resize(ref _bytes, 2 * _bytes.Length);
            }

            _bytes.AsSpan(_start.._end).CopyTo(_bytes);
            (_start, _end) = (0, _end - _start);
        }

        var received = await connection.ReadAsync(_bytes.AsMemory(_end), cancellationToken);
        _end += received;
        return received > 0;
    }
}

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
