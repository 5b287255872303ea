using System.Net.Sockets;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// A connection to a node. It gives way when the node answers a request early and closes, as servers do that do not
/// want a body: what is written from then on is dropped, so that HttpClient gets to reading the answer.
/// </summary>
internal sealed class BackendStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private bool _isAnswered;

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isAnswered)
        {
            return ValueTask.CompletedTask;
        }

        var write = base.WriteAsync(buffer, cancellationToken);
        return write.IsCompletedSuccessfully ? write : WatchAsync(write);
    }

    private async ValueTask WatchAsync(ValueTask write)
    {
        try
        {
            await write;
        }
        catch (IOException closed) when (Socket.Available > 0)
        {
            _isAnswered = true;
            throw new EarlyAnswerException(closed);
        }
    }
}
