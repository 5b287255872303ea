using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;

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
