using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Tls;

/// <summary>The progress of a handshake.</summary>
internal enum HandshakeState
{
    /// <summary>Waiting for the peer.</summary>
    Pending,

    Done,

    /// <summary>The peer is gone, or there is no agreement.</summary>
    Failed,
}

/// <summary>
/// TLS with a client or a backend: <see cref="SslStream"/>, driven by the loop. It never leaves the loop's thread, and holds no
/// buffer between requests.
/// </summary>
internal sealed class TlsSession : IConnectionCipher
{
    /// <summary>The most plaintext in a record, in bytes (RFC 8446, section 5.1).</summary>
    public const int MaxPlaintext = 16 * 1024;

    /// <summary>The overhead of a record, rounded up, in bytes.</summary>
    private const int Overhead = 64;

    private readonly FrontConnection _connection;
    private readonly RecordStream _records;
    private readonly SslStream _stream;
    private readonly Task _handshake;
    private Task<int>? _reading;
    private byte[]? _plaintext;
    private int? _end;
    private bool _hasSentCloseNotify;

    private TlsSession(FrontConnection connection, RecordBuffer buffer, ReadOnlySpan<byte> received, Func<SslStream, Task> begin)
    {
        _connection = connection;
        _records = new RecordStream(connection, buffer);
        _records.BufferInput(received);
        _stream = new SslStream(_records, leaveInnerStreamOpen: false);
        _handshake = begin(_stream);
    }

    /// <summary>Begins the handshake with a client.</summary>
    /// <param name="connection">The client's connection.</param>
    /// <param name="context">The port's TLS settings.</param>
    /// <param name="received">Handshake bytes received so far.</param>
    public static TlsSession BeginAsServer(FrontConnection connection, TlsContext context, ReadOnlySpan<byte> received) =>
        new(connection, context.Buffer, received, stream => stream.AuthenticateAsServerAsync(TlsContext.Select, context, CancellationToken.None));

    /// <summary>Begins the handshake with a backend.</summary>
    /// <param name="connection">The backend's connection.</param>
    /// <param name="buffer">The loop's.</param>
    /// <param name="options">The requirements that the backend must meet.</param>
    public static TlsSession BeginAsClient(FrontConnection connection, RecordBuffer buffer, SslClientAuthenticationOptions options) =>
        new(connection, buffer, [], stream => stream.AuthenticateAsClientAsync(options, CancellationToken.None));

    /// <summary>Whether HTTP/2 was negotiated (RFC 9113, section 3.2).</summary>
    public bool IsHttp2 => _stream.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2;

    /// <summary>The protocol negotiated by ALPN; empty for none.</summary>
    public ReadOnlyMemory<byte> Protocol => _stream.NegotiatedApplicationProtocol.Protocol;

    /// <summary>The TLS version; none before the end of the handshake.</summary>
    public SslProtocols Version => _handshake.IsCompletedSuccessfully ? _stream.SslProtocol : SslProtocols.None;

    /// <summary>The verified client certificate, or null.</summary>
    public X509Certificate2? ClientCertificate => _stream.RemoteCertificate as X509Certificate2;

    /// <summary>Whether the client sent a plain HTTP request.</summary>
    public bool IsPlainHttp => _records.LooksLikeHttp;

    /// <summary>Why the handshake failed.</summary>
    public Exception? Error => _handshake.Exception?.InnerException;

    /// <summary>Whether part of a record has arrived.</summary>
    public bool HasPartialRecord => _records.HasBufferedInput;

    /// <summary>Whether the session can move to another thread: not during a key update.</summary>
    public bool CanDetach => _plaintext is null;

    /// <summary>Continues the handshake with the input that is there.</summary>
    public HandshakeState Continue()
    {
        _records.BeginTurn();
        while (!_handshake.IsCompleted && _records.ProvideRecord() is var result and not -1)
        {
            if (result <= 0)
            {
                _records.Complete();
                return HandshakeState.Failed;
            }
        }

        _records.EndTurn();
        return !_handshake.IsCompleted ? HandshakeState.Pending : _handshake.IsCompletedSuccessfully ? HandshakeState.Done : HandshakeState.Failed;
    }

    public int Receive(Span<byte> room, out bool mayHaveMore)
    {
        var total = 0;
        _records.BeginTurn();
        while (_end is null && room.Length - total >= MaxPlaintext)
        {
            var count = _records.ProvideRecord();
            if (count == -1)
            {
                break;
            }

            count = count > 0 ? Read(room[total..]) : count;
            if (count is 0 or -2)
            {
                _end = count;
            }

            total += Math.Max(0, count);
        }

        _records.EndTurn();
        // Data is returned before the end, which the next call reports.
        mayHaveMore = _end is null ? room.Length - total < MaxPlaintext : total > 0;
        return total > 0 ? total : _end ?? -1;
    }

    public bool TrySend(ReadOnlySpan<byte> data)
    {
        try
        {
            if (data.Length > MaxPlaintext)
            {
                // One record for each 16 KiB, but a single system call.
                _records.BeginBatch(data.Length + (data.Length / MaxPlaintext + 1) * Overhead);
            }

            _stream.Write(data);
            _records.SendBatch();
            return !_records.HasSendFailed;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void SendCloseNotify()
    {
        if (!_hasSentCloseNotify && _handshake.IsCompletedSuccessfully && !_records.HasSendFailed)
        {
            _hasSentCloseNotify = true;
            _ = _stream.ShutdownAsync();
        }
    }

    public void Dispose()
    {
        _records.Complete();
        // Marks the exception as observed.
        _ = _handshake.Exception;
        ReturnPlaintext();
        _stream.Dispose();
    }

    /// <summary>Leaves the loop: continues on other streams.</summary>
    /// <returns>The plaintext stream.</returns>
    public SslStream Detach(Stream input, Stream output)
    {
        _records.Detach(input, output);
        return _stream;
    }

    // -1: the record held no data, as in a key update. The pending read receives the next record's data into the same buffer.
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
                _plaintext = _connection.Loop.Buffers.Rent(MaxPlaintext);
                var reading = _stream.ReadAsync(_plaintext.AsMemory(0, MaxPlaintext));
                if (!reading.IsCompletedSuccessfully)
                {
                    _reading = reading.AsTask();
                    return Read(room);
                }

                count = reading.Result;
            }

            _plaintext.AsSpan(0, count).CopyTo(room);
            ReturnPlaintext();
            return count;
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            return -2;
        }
    }

    private void ReturnPlaintext()
    {
        if (_plaintext is { } text)
        {
            _plaintext = null;
            _connection.Loop.Buffers.Return(text);
        }
    }
}

/// <summary>The TLS settings of a port, for one loop.</summary>
/// <param name="optionsFor">The options for a server name; null when the client sent none.</param>
internal sealed class TlsContext(Func<string?, SslServerAuthenticationOptions> optionsFor)
{
    /// <summary>For one loop.</summary>
    public RecordBuffer Buffer { get; } = new();

    /// <summary>Expects this object as its state.</summary>
    public static readonly ServerOptionsSelectionCallback Select = static (_, hello, context, _) =>
        ValueTask.FromResult(((TlsContext)context!).OptionsFor(hello.ServerName));

    private SslServerAuthenticationOptions OptionsFor(string name) => optionsFor(name.Length > 0 ? name : null);
}
