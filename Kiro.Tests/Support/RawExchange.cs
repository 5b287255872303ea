using System.Globalization;

namespace Kiro.Tests.Support;

/// <summary>One request at a <see cref="RawBackend"/>, its body not yet read.</summary>
/// <param name="Connection">To read and write what one likes.</param>
/// <param name="Head">The request line and the fields.</param>
/// <param name="Number">1 for the node's first request.</param>
internal sealed record RawExchange(RawStream Connection, string Head, int Number)
{
    public string? Value(string name) => RawHead.Value(Head, name);

    /// <summary>Reads the body as the head frames it.</summary>
    public async Task<string> ReadBodyAsync()
    {
        if (Value("Transfer-Encoding") == "chunked")
        {
            return (await Connection.ReadChunkedAsync()).Body;
        }

        return await Connection.ReadAsync(long.Parse(Value("Content-Length") ?? "0", CultureInfo.InvariantCulture));
    }

    public Task WriteAsync(string text) => Connection.WriteAsync(text);

    /// <summary>Answers 200 with a body.</summary>
    public Task OkAsync(string body) =>
        WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    public void Close() => Connection.Dispose();

    public void Reset() => Connection.Reset();
}
