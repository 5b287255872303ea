using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Kiro.Tests.Support;

/// <summary>One end of a TCP connection, read and written byte for byte. Text is Latin-1: one character per byte.</summary>
internal sealed class RawStream(Socket socket, Stream? stream = null) : IDisposable
{
    /// <summary>A read or write that takes longer is considered hung.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Stream _stream = stream ?? new NetworkStream(socket, ownsSocket: true);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>The peer reset the connection instead of closing it.</summary>
    public bool WasReset { get; private set; }

    public async Task WriteAsync(string text) => await WriteAsync(Encoding.Latin1.GetBytes(text));

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        using var limit = NewLimit();
        await _stream.WriteAsync(bytes, limit.Token);
    }

    /// <summary>Reads a line, without its terminator; null at end of stream.</summary>
    public async Task<string?> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (await ReadByteAsync() is var next && next >= 0)
        {
            if (next == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)next);
        }

        return line.Length == 0 ? null : line.ToString();
    }

    /// <summary>Reads up to the empty line, each line with its CRLF; null at end of stream.</summary>
    public async Task<string?> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (await ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
            {
                return head.ToString();
            }

            head.Append(line).Append("\r\n");
        }

        return head.Length == 0 ? null : head.ToString();
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes; fewer if the stream ends first.</summary>
    public async Task<string> ReadAsync(long count)
    {
        var text = new StringBuilder();
        while (text.Length < count && await ReadByteAsync() is var next && next >= 0)
        {
            text.Append((char)next);
        }

        return text.ToString();
    }

    /// <summary>Reads the next chunk: empty for the last one, null at end of stream.</summary>
    public async Task<string?> ReadChunkAsync()
    {
        if (await ReadLineAsync() is not { } size)
        {
            return null;
        }

        var length = int.Parse(size.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var chunk = await ReadAsync(length);
        if (length > 0)
        {
            await ReadLineAsync();
        }

        return chunk;
    }

    /// <summary>Reads a chunked body and its trailers; incomplete if the stream ends first.</summary>
    public async Task<(string Body, string Trailers, bool IsComplete)> ReadChunkedAsync()
    {
        var body = new StringBuilder();
        while (await ReadChunkAsync() is { } chunk)
        {
            if (chunk.Length == 0)
            {
                return (body.ToString(), await ReadHeadAsync() ?? "", true);
            }

            body.Append(chunk);
        }

        return (body.ToString(), "", false);
    }

    /// <summary>Reads until the peer closes or resets the connection.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var text = new StringBuilder();
        while (await ReadByteAsync() is var next && next >= 0)
        {
            text.Append((char)next);
        }

        return text.ToString();
    }

    /// <summary>Half-closes the connection (close_notify under TLS, then FIN); reading continues.</summary>
    public void HalfClose()
    {
        _ = (_stream as SslStream)?.ShutdownAsync();
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Resets the connection (RST).</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    public void Dispose() => _stream.Dispose();

    private async ValueTask<int> ReadByteAsync()
    {
        if (_start == _end)
        {
            using var limit = NewLimit();
            try
            {
                _start = 0;
                _end = await _stream.ReadAsync(_buffer, limit.Token);
            }
            catch (IOException)
            {
                WasReset = true;
                _end = 0;
            }

            if (_end == 0)
            {
                return -1;
            }
        }

        return _buffer[_start++];
    }

    private static CancellationTokenSource NewLimit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        return limit;
    }
}
