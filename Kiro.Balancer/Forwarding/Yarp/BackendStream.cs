using System.Net.Sockets;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A connection to a node. It gives way when the node answers a request early and closes, as servers do that do not
/// want a body: what is written from then on is dropped, so that HttpClient gets to reading the response. Responses that
/// could be understood in two ways do not get that far.
/// </summary>
/// <param name="inner">The connection, perhaps over TLS.</param>
/// <param name="socket">Below it.</param>
/// <param name="isShared">Whether requests of different clients go over it.</param>
internal sealed class BackendStream(Stream inner, Socket socket, bool isShared) : RelayStream(inner)
{
    private readonly ResponseGuard _guard = new();
    private bool _isAnswered;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (isShared && _guard.IsPrivate)
        {
            return 0;
        }

        var count = await base.ReadAsync(buffer, cancellationToken);
        return _guard.TryRead(buffer.Span[..count])
            ? count : throw new HttpRequestException(HttpRequestError.InvalidResponse, "The response is not valid HTTP.");
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isAnswered)
        {
            return ValueTask.CompletedTask;
        }

        _guard.NoteSent(buffer.Span);
        var write = base.WriteAsync(buffer, cancellationToken);
        return write.IsCompletedSuccessfully ? write : WatchAsync(write);
    }

    private async ValueTask WatchAsync(ValueTask write)
    {
        try
        {
            await write;
        }
        catch (IOException closed) when (socket.Available > 0)
        {
            _isAnswered = true;
            throw new EarlyResponseException(closed);
        }
    }
}

/// <summary>The node closed the connection before it had the whole request, but sent a response first.</summary>
internal sealed class EarlyResponseException(IOException closed) : IOException("The node answered before it had the whole request.", closed);
