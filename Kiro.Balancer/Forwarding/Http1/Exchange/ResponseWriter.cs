using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Text;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Writes a response to the client. Kestrel sends the head with the first flush; chunks are written here, because only then
/// can trailers follow.
/// </summary>
/// <param name="response">Its status and header fields are set.</param>
/// <param name="chunks">Whether the body is chunked.</param>
internal sealed class ResponseWriter(HttpResponse response, bool chunks)
{
    private const int MaxSize = 18;

    private readonly PipeWriter _output = response.BodyWriter;
    private bool _wasFlushed;

    /// <summary>Whether the client is gone.</summary>
    public bool IsClientGone { get; private set; }

    /// <summary>Starts the response: the request can no longer be retried.</summary>
    public Task StartAsync()
    {
        if (response.HasStarted)
        {
            return Task.CompletedTask;
        }

        if (chunks)
        {
            response.Headers.TransferEncoding = "chunked";
        }

        return response.StartAsync();
    }

    /// <summary>Writes data; not empty.</summary>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (!chunks)
        {
            _output.Write(data);
            return;
        }

        var size = _output.GetSpan(MaxSize);
        Utf8Formatter.TryFormat(data.Length, size, out var length, new StandardFormat('x'));
        "\r\n"u8.CopyTo(size[length..]);
        _output.Advance(length + 2);
        _output.Write(data);
        _output.Write("\r\n"u8);
    }

    /// <summary>Space for data of a body that is not chunked.</summary>
    public Memory<byte> Room(int length) => _output.GetMemory(length)[..length];

    /// <summary>How much of <see cref="Room"/> was used.</summary>
    public void Advance(int length) => _output.Advance(length);

    /// <summary>Sends what was written, including the head. Waits for a slow client.</summary>
    public async ValueTask FlushAsync()
    {
        await StartAsync();
        _wasFlushed = true;
        var flushed = await _output.FlushAsync();
        IsClientGone |= flushed.IsCompleted;
    }

    /// <summary>Ends the body.</summary>
    /// <param name="trailers">Field lines without CRLF.</param>
    public async ValueTask EndAsync(IReadOnlyList<byte[]>? trailers = null)
    {
        if (!chunks)
        {
            AppendTrailers(trailers);
        }

        if (!response.HasStarted && !chunks)
        {
            // An empty body: Kestrel sends Content-Length: 0.
            return;
        }

        await StartAsync();
        if (chunks)
        {
            _output.Write("0\r\n"u8);
            foreach (var trailer in trailers ?? [])
            {
                _output.Write(trailer);
                _output.Write("\r\n"u8);
            }

            _output.Write("\r\n"u8);
        }

        // What was never flushed Kestrel sends in one piece at the end of the request.
        if (_wasFlushed)
        {
            await FlushAsync();
        }
    }

    // On HTTP/2 Kestrel sends them in a frame (RFC 9113, section 8.1); HTTP/1.0 has none.
    private void AppendTrailers(IReadOnlyList<byte[]>? trailers)
    {
        if (trailers is not { Count: > 0 } || !response.SupportsTrailers())
        {
            return;
        }

        foreach (var line in trailers)
        {
            var colon = line.AsSpan().IndexOf((byte)':');
            response.AppendTrailer(Encoding.ASCII.GetString(line.AsSpan(0, colon)), Encoding.Latin1.GetString(line.AsSpan(colon + 1).Trim(" \t"u8)));
        }
    }
}

/// <summary>Copies status and header fields of a backend's response to the client's.</summary>
internal static class ResponseFields
{
    /// <param name="bytes">The head as received.</param>
    /// <param name="head">The parsed head.</param>
    /// <param name="response">The response to the client.</param>
    public static void Apply(ReadOnlySpan<byte> bytes, ResponseHead head, HttpResponse response)
    {
        response.StatusCode = head.Status;
        ApplyReason(bytes.Slice(head.Reason.Start, head.Reason.Length), head.Status, response);
        var headers = response.Headers;
        var connectionFields = head.HasConnectionOptions ? NamedFields(bytes, head) : null;
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (!head.IsForwarded(field))
            {
                continue;
            }

            var name = field.Known?.Text ?? Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (connectionFields?.Contains(name) != true)
            {
                var value = Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength));
                headers[name] = headers.TryGetValue(name, out var before) ? StringValues.Concat(before, value) : value;
            }
        }

        headers.ContentLength = head.ContentLength;
        if (headers.Upgrade.Count > 0)
        {
            headers.Connection = ConnectionField(response);
        }
    }

    /// <summary>
    /// The Connection field of a response with Upgrade, which has to be listed there (RFC 9110, section 7.8). Kestrel closes
    /// the connection unless the field says keep-alive.
    /// </summary>
    public static string ConnectionField(HttpResponse response)
    {
        var request = response.HttpContext.Request;
        var (isHttp11, closes, keeps) = (HttpProtocol.IsHttp11(request.Protocol), false, false);
        foreach (var line in request.Headers.Connection)
        {
            foreach (var range in line.AsSpan().Split(','))
            {
                var option = line.AsSpan()[range].Trim(" \t");
                closes |= option.Equals("close", StringComparison.OrdinalIgnoreCase);
                keeps |= option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase);
            }
        }

        return !closes && (isHttp11 || (keeps && response.ContentLength is not null)) ? "keep-alive, Upgrade" : "close, Upgrade";
    }

    /// <summary>Formats an interim response for the client.</summary>
    public static byte[] FormatInterim(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var connectionFields = head.HasConnectionOptions ? NamedFields(bytes, head) : null;
        var text = new StringBuilder($"HTTP/1.1 {head.Status} {Encoding.Latin1.GetString(bytes.Slice(head.Reason.Start, head.Reason.Length))}\r\n");
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            var name = Encoding.ASCII.GetString(bytes.Slice(field.NameStart, field.NameLength));
            if (head.IsForwarded(field) && connectionFields?.Contains(name) != true)
            {
                text.Append($"{name}: {Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength))}\r\n");
            }
        }

        return Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
    }

    private static void ApplyReason(ReadOnlySpan<byte> reason, int status, HttpResponse response)
    {
        if (!Ascii.Equals(reason, ReasonPhrases.GetReasonPhrase(status)))
        {
            response.HttpContext.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = Encoding.Latin1.GetString(reason);
        }
    }

    private static HashSet<string> NamedFields(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in CollectionsMarshal.AsSpan(head.Fields))
        {
            if (field.Known?.Kind == FieldKind.Connection)
            {
                names.UnionWith(ConnectionOptions.FieldsNamedIn(Encoding.Latin1.GetString(bytes.Slice(field.ValueStart, field.ValueLength))));
            }
        }

        return names;
    }
}
