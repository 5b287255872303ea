using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>Reads the heads of a response from a connection: the interim ones, and the final one.</summary>
internal struct HeadReader(BackendConnection connection)
{
    private int _looked;
    private int _interim;

    /// <summary>Of the head that was read last, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Not a single byte has come.</summary>
    public bool IsUntouched => _interim == 0 && connection.Input.IsEmpty;

    /// <summary>Reads the next head into <see cref="BackendConnection.Head"/> from what was received.</summary>
    /// <returns>Incomplete when a receive is under way that may bring the rest.</returns>
    public HeadState Read()
    {
        var bytes = connection.Input.Bytes;
        if (bytes.Length == _looked)
        {
            return HeadState.Incomplete;
        }

        var state = ResponseParser.Parse(bytes.Span, _looked, connection.Head, out var length);
        Length = length;
        if (state == HeadState.Incomplete)
        {
            _looked = bytes.Length;
            connection.BeginReceive();
        }

        return state;
    }

    /// <summary>Goes on behind an interim head.</summary>
    /// <returns>False when there were too many.</returns>
    public bool TrySkip()
    {
        connection.Input.Consume(Length);
        _looked = 0;
        if (connection.Input.IsEmpty)
        {
            connection.BeginReceive();
        }

        return ++_interim <= ResponseHead.MaxInterim;
    }
}
