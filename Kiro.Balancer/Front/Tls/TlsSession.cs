using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Tls;

/// <summary>How far a handshake is.</summary>
internal enum HandshakeState
{
    /// <summary>It is the client's turn.</summary>
    Waits,

    Done,

    /// <summary>The client left, or there is nothing that both sides can do.</summary>
    Failed,
}

/// <summary>
/// TLS of one client's connection: .NET's <see cref="SslStream"/>, driven by the loop instead of by tasks. Nothing here goes to
/// another thread, and between two requests it holds no buffer.
/// </summary>
internal sealed class TlsSession : IConnectionCipher
{
    /// <summary>What a record holds at most, in bytes (RFC 8446, section 5.1).</summary>
    private const int MaxText = 16 * 1024;

    /// <summary>What a record is longer than its text, with room to spare; in bytes.</summary>
    private const int Overhead = 64;

    private readonly FrontConnection _connection;
    private readonly RecordStream _records;
    private readonly SslStream _stream;
    private readonly Task _handshake;
    private Task<int>? _reading;
    private byte[]? _text;
    private int? _ending;
    private bool _hasSaidEnd;

    /// <param name="connection">Whose it is.</param>
    /// <param name="terms">What the client is shown, and asked for.</param>
    /// <param name="received">What was received of the handshake so far.</param>
    public TlsSession(FrontConnection connection, TlsTerms terms, ReadOnlySpan<byte> received)
    {
        _connection = connection;
        _records = new RecordStream(connection, terms.Buffer);
        _records.Keep(received);
        _stream = new SslStream(_records, leaveInnerStreamOpen: false);
        _handshake = _stream.AuthenticateAsServerAsync(TlsTerms.Select, terms, CancellationToken.None);
    }

    /// <summary>Whether the client speaks HTTP/2 from here on (RFC 9113, section 3.2).</summary>
    public bool IsHttp2 => _stream.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2;

    /// <summary>What was agreed on by ALPN; empty when the client did not ask.</summary>
    public ReadOnlyMemory<byte> Protocol => _stream.NegotiatedApplicationProtocol.Protocol;

    /// <summary>Of TLS; none while there is no agreement.</summary>
    public SslProtocols Version => _handshake.IsCompletedSuccessfully ? _stream.SslProtocol : SslProtocols.None;

    /// <summary>What the client has shown, and was verified; else null.</summary>
    public X509Certificate2? ClientCertificate => _stream.RemoteCertificate as X509Certificate2;

    /// <summary>Whether the client has sent a request where the handshake should be.</summary>
    public bool IsPlainHttp => _records.LooksLikeHttp;

    /// <summary>Why the handshake failed.</summary>
    public Exception? Problem => _handshake.Exception?.InnerException;

    /// <summary>Whether it may go to another thread: not in the middle of a change of keys.</summary>
    public bool CanLeave => _text is null;

    /// <summary>Goes on with the handshake as far as the client has.</summary>
    public HandshakeState GoOn()
    {
        _records.Begin();
        while (!_handshake.IsCompleted && _records.Feed() is var fed and not -1)
        {
            if (fed <= 0)
            {
                _records.End();
                return HandshakeState.Failed;
            }
        }

        _records.Settle();
        return !_handshake.IsCompleted ? HandshakeState.Waits : _handshake.IsCompletedSuccessfully ? HandshakeState.Done : HandshakeState.Failed;
    }

    public int Receive(Span<byte> room, out bool mayHaveMore)
    {
        var total = 0;
        _records.Begin();
        while (_ending is null && room.Length - total >= MaxText)
        {
            var count = _records.Feed();
            if (count == -1)
            {
                break;
            }

            count = count > 0 ? Read(room[total..]) : count;
            if (count is 0 or -2)
            {
                _ending = count;
            }

            total += Math.Max(0, count);
        }

        _records.Settle();
        // What came before the end is told first, and the end when somebody asks again.
        mayHaveMore = _ending is null ? room.Length - total < MaxText : total > 0;
        return total > 0 ? total : _ending ?? -1;
    }

    public bool TrySend(ReadOnlySpan<byte> data)
    {
        try
        {
            if (data.Length > MaxText)
            {
                // A record for each piece, but not a call of the system.
                _records.Gather(data.Length + (data.Length / MaxText + 1) * Overhead);
            }

            _stream.Write(data);
            _records.SendGathered();
            return !_records.IsLost;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void SayEnd()
    {
        if (!_hasSaidEnd && _handshake.IsCompletedSuccessfully && !_records.IsLost)
        {
            _hasSaidEnd = true;
            _ = _stream.ShutdownAsync();
        }
    }

    public void Dispose()
    {
        _records.End();
        // Nobody else looks.
        _ = _handshake.Exception;
        DropText();
        _stream.Dispose();
    }

    /// <summary>Leaves the loop, to go on over other streams.</summary>
    /// <returns>What the client sends, and is sent.</returns>
    public SslStream Detach(Stream input, Stream output)
    {
        _records.Detach(input, output);
        return _stream;
    }

    // -1: the record had no text, as when keys are changed; the text of the next one comes where this one's was to.
    private int Read(Span<byte> room)
    {
        try
        {
            int count;
            if (_reading is { } waiting)
            {
                if (!waiting.IsCompleted)
                {
                    return -1;
                }

                _reading = null;
                count = waiting.GetAwaiter().GetResult();
            }
            else
            {
                _text = _connection.Loop.Buffers.Rent(MaxText);
                var reading = _stream.ReadAsync(_text.AsMemory(0, MaxText));
                if (!reading.IsCompletedSuccessfully)
                {
                    _reading = reading.AsTask();
                    return Read(room);
                }

                count = reading.Result;
            }

            _text.AsSpan(0, count).CopyTo(room);
            DropText();
            return count;
        }
        catch (Exception broken) when (broken is IOException or AuthenticationException)
        {
            return -2;
        }
    }

    private void DropText()
    {
        if (_text is { } text)
        {
            _text = null;
            _connection.Loop.Buffers.Return(text);
        }
    }
}

/// <summary>What clients of a port are shown, and asked for.</summary>
/// <param name="optionsFor">By the name that the client asks for, if it does.</param>
internal sealed class TlsTerms(Func<string?, SslServerAuthenticationOptions> optionsFor)
{
    /// <summary>For one loop.</summary>
    public RecordBuffer Buffer { get; } = new();

    /// <summary>With these terms as the state.</summary>
    public static readonly ServerOptionsSelectionCallback Select = static (_, hello, terms, _) =>
        ValueTask.FromResult(((TlsTerms)terms!).OptionsFor(hello.ServerName));

    private SslServerAuthenticationOptions OptionsFor(string name) => optionsFor(name.Length > 0 ? name : null);
}
