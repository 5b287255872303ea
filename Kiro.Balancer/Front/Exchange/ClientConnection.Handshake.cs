using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Front.Tls;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.Exchange;

/// <content>Before the first request: the PROXY header and the TLS handshake.</content>
internal sealed partial class ClientConnection
{
    /// <summary>For the first request of a client whose handshake completes during shutdown, in milliseconds.</summary>
    private const int LastRequestTimeout = 2_000;

    private bool _isShakingHands;
    private long _handshakeBegan;
    private byte[] _certificateLine = [];

    private TlsSession? Tls => (TlsSession?)Cipher;

    /// <summary>Starts the timeouts, and the TLS handshake.</summary>
    public void Begin()
    {
        if (_awaitsHeader)
        {
            SetDeadline((long)ProxyHeaders.Timeout.TotalMilliseconds);
        }
        else if (_worker.Terms is { } terms)
        {
            BeginHandshake(terms, []);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
        }
    }

    private void TakeIntroduction(ReadOnlySpan<byte> bytes)
    {
        switch (ProxyHeader.Parse(bytes, out var length, out var source))
        {
            case ProxyHeaderState.Incomplete:
                Store(bytes);
                _needsMore = true;
                return;
            case ProxyHeaderState.Invalid:
                RefuseIntroduction();
                return;
        }

        _awaitsHeader = _needsMore = false;
        if (source is not null && !TryTake(source))
        {
            // Before the handshake no error response can be sent.
            _ = IsSecure || TrySend(Refusal.TooManyFromClient.Span);
            BeginClosing(linger: true);
        }
        else if (_worker.Terms is { } terms)
        {
            BeginHandshake(terms, bytes[length..]);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
            Store(bytes[length..]);
        }
    }

    private bool TryTake(IPEndPoint source)
    {
        _source = source;
        Self = _worker.Services.Clients.Begin(ClientAddress.From(source.Address));
        SelfSlot = _worker.Services.Hash.Slot(Self.Address);
        var perClient = _worker.Services.PerClient;
        return !perClient.IsOn || perClient.TryEnter(Self.Peer, out _key);
    }

    private void RefuseIntroduction()
    {
        _worker.Services.Introductions.Refuse(Self.Peer);
        Close();
    }

    // A port scanner or a TCP health check: it connects and closes.
    private void NoteHalfIntroduction()
    {
        if (_awaitsHeader && HasStored)
        {
            _worker.Services.Introductions.Refuse(Self.Peer);
        }
    }

    private void BeginHandshake(TlsTerms terms, ReadOnlySpan<byte> received)
    {
        SetDeadline((long)TlsListening.HandshakeTimeout.TotalMilliseconds);
        (_isShakingHands, _handshakeBegan) = (true, Loop.Timestamp);
        _worker.CountHandshake(1);
        Cipher = new TlsSession(this, terms, received);
    }

    private void GoOnShakingHands()
    {
        var tls = Tls!;
        var state = tls.GoOn();
        if (state == HandshakeState.Failed && tls.IsPlainHttp)
        {
            RefusePlain(tls);
        }
        else if (state == HandshakeState.Failed)
        {
            Close();
        }
        else if (state == HandshakeState.Done && !HasUnsent)
        {
            LetIn(tls);
        }
    }

    // The client uses http:// on the HTTPS port.
    private void RefusePlain(TlsSession tls)
    {
        EndHandshake(tls);
        tls.Dispose();
        Cipher = null;
        _worker.Services.Own.Record(StatusCodes.Status400BadRequest);
        _ = TrySend(Refusal.NeedsTls.Span);
        BeginClosing(linger: true);
    }

    private void LetIn(TlsSession tls)
    {
        EndHandshake(tls);
        if (tls.ClientCertificate is { } certificate)
        {
            _certificateLine = ClientCertificateField.Line(certificate);
        }

        SetDeadline(_worker.IsStopping ? LastRequestTimeout : _worker.IdleTimeout);
        if (tls.IsHttp2)
        {
            HandOver([]);
            return;
        }

        // The first request may have arrived with the end of the handshake.
        IsReadable = true;
        Read();
    }

    private void EndHandshake(TlsSession tls)
    {
        _isShakingHands = false;
        _worker.CountHandshake(-1);
        _worker.Services.Metrics.RecordHandshake(_worker.Services.Time.GetElapsedTime(_handshakeBegan), tls.Version);
        if (tls.Problem is { } problem)
        {
            _worker.Services.Logger.HandshakeFailed(Self.Peer, problem.Message);
        }
    }
}
