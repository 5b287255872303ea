using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Kiro.Balancer.Listening.Takeover;

/// <content>What the older process hands over.</content>
internal sealed partial class TakeoverStart
{
    private async Task<bool> ReceiveAsync(ReadOnlyMemory<byte> hello, CancellationToken cancellationToken)
    {
        var descriptors = new List<int>();
        try
        {
            await _older!.SendAsync(hello, [], cancellationToken);
            if (await _older.ReceiveAsync(descriptors, cancellationToken) is not { } addresses)
            {
                return false;
            }

            foreach (var (address, descriptor) in Encoding.UTF8.GetString(addresses).Split('\n', StringSplitOptions.RemoveEmptyEntries).Zip(descriptors))
            {
                sockets.Give(IPEndPoint.Parse(address), descriptor);
            }

            return await ReceiveKnowledgeAsync(TakeKnowledge, cancellationToken);
        }
        catch (Exception problem) when (problem is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>False when the older process went away in the middle of it.</returns>
    private async Task<bool> ReceiveKnowledgeAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        if (!_handsAllOver)
        {
            return true;
        }

        if (await _older!.ReceiveAsync([], cancellationToken) is not { } known)
        {
            return false;
        }

        take(known);
        while (true)
        {
            switch (await _older.ReceiveAsync([], cancellationToken))
            {
                case null:
                    return false;
                case []:
                    return true;
                case var part:
                    TakeSessions(part);
                    break;
            }
        }
    }

    private void TakeSessions(byte[] part)
    {
        try
        {
            sessions?.Take(part);
        }
        catch (FormatException)
        {
            // Of a version that says it in another way: this one begins without.
        }
    }

    private void TakeKnowledge(ReadOnlyMemory<byte> known)
    {
        try
        {
            state.Read(known);
        }
        catch (InvalidDataException problem)
        {
            // Its sockets are what matters.
            NotUnderstood(logger, _process, problem.Message.ReplaceLineEndings(" "));
        }
    }

    [LoggerMessage(77, LogLevel.Warning, "The state of process {Process}, admin actions included, cannot be read: {Problem}")]
    private static partial void NotUnderstood(ILogger logger, int process, string problem);
}
