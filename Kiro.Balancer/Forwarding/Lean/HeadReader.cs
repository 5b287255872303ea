using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Forwarding.Lean;

/// <summary>Reads the heads of an answer from a connection: the interim ones, and the final one.</summary>
internal sealed class HeadReader(BackendConnection connection)
{
    /// <summary>Interim answers before a final one; more are no help to anybody.</summary>
    private const int MostInterim = 100;

    private int _looked;
    private int _interim;

    /// <summary>Of the head that was read last, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Not a single byte has come.</summary>
    public bool IsUntouched => _interim == 0 && connection.Received.IsEmpty;

    /// <summary>Reads the next head into <see cref="BackendConnection.Head"/>.</summary>
    /// <returns>Complete or invalid; null when the connection ended first.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<HeadState?> ReadAsync()
    {
        while (true)
        {
            if (connection.Received.Length > _looked)
            {
                var state = ResponseParser.Parse(connection.Received.Span, _looked, connection.Head, out var length);
                Length = length;
                if (state != HeadState.Incomplete)
                {
                    return state;
                }

                _looked = connection.Received.Length;
                connection.BeginReceive();
            }

            if (!connection.Add(await connection.Receipt))
            {
                return null;
            }
        }
    }

    /// <summary>Goes on behind an interim head.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TrySkip()
    {
        connection.Consume(Length);
        _looked = 0;
        if (connection.Received.IsEmpty)
        {
            connection.BeginReceive();
        }

        return ++_interim <= MostInterim;
    }
}
