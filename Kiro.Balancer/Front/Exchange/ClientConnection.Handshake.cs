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

    private bool _isInHandshake;
    private long _handshakeStart;
    private byte[] _certificateLine = [];

    private TlsSession? Tls => (TlsSession?)Cipher;

    /// <summary>Starts the timeouts, and the TLS handshake.</summary>
    public void Begin()
    {
        if (_awaitsProxyHeader)
        {
            SetDeadline((long)ProxyHeaderPolicy.Timeout.TotalMilliseconds);
        }
        else if (_worker.Tls is { } context)
        {
            BeginHandshake(context, []);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
        }
    }

    private void ReadProxyHeader(ReadOnlySpan<byte> bytes)
    {
        switch (ProxyHeader.Parse(bytes, out var length, out var source))
        {
            case ProxyHeaderState.Incomplete:
                BufferInput(bytes);
                _needsMore = true;
                return;
            case ProxyHeaderState.Invalid:
                RejectProxyHeader();
                return;
        }

        _awaitsProxyHeader = _needsMore = false;
        if (source is not null && !TrySetSource(source))
        {
            // Before the handshake no error response can be sent.
            _ = IsSecure || TrySend(Refusal.TooManyFromClient.Span);
            BeginClosing(linger: true);
        }
        else if (_worker.Tls is { } context)
        {
            BeginHandshake(context, bytes[length..]);
        }
        else
        {
            SetDeadline(_worker.IdleTimeout);
            BufferInput(bytes[length..]);
        }
    }

    private bool TrySetSource(IPEndPoint source)
    {
        _source = source;
        Identity = _worker.Services.Clients.Begin(ClientAddress.From(source.Address));
        HashSlot = _worker.Services.Hash.Slot(Identity.Address);
        var perClient = _worker.Services.PerClient;
        return !perClient.IsOn || perClient.TryEnter(Identity.Peer, out _key);
    }

    private void RejectProxyHeader()
    {
        _worker.Services.ProxyHeaders.Refuse(Identity.Peer);
        Close();
    }

    // Connecting and closing without sending a byte is a port scan or a TCP health check, not an error.
    private void CountIncompleteProxyHeader()
    {
        if (_awaitsProxyHeader && HasBufferedInput)
        {
            _worker.Services.ProxyHeaders.Refuse(Identity.Peer);
        }
    }

    private void BeginHandshake(TlsContext context, ReadOnlySpan<byte> received)
    {
        SetDeadline((long)TlsListening.HandshakeTimeout.TotalMilliseconds);
        (_isInHandshake, _handshakeStart) = (true, Loop.Timestamp);
        _worker.CountHandshake(1);
        Cipher = TlsSession.BeginAsServer(this, context, received);
    }

    private void ContinueHandshake()
    {
        var tls = Tls!;
        var state = tls.Continue();
        if (state == HandshakeState.Failed && tls.IsPlainHttp)
        {
            RefusePlaintext(tls);
        }
        else if (state == HandshakeState.Failed)
        {
            Close();
        }
        else if (state == HandshakeState.Done && !HasPendingOutput)
        {
            CompleteHandshake(tls);
        }
    }

    // The client uses http:// on the HTTPS port.
    private void RefusePlaintext(TlsSession tls)
    {
        EndHandshake(tls);
        tls.Dispose();
        Cipher = null;
        _worker.Services.Own.Record(StatusCodes.Status400BadRequest);
        _ = TrySend(Refusal.NeedsTls.Span);
        BeginClosing(linger: true);
    }

    private void CompleteHandshake(TlsSession tls)
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
        _isInHandshake = false;
        _worker.CountHandshake(-1);
        _worker.Services.Metrics.RecordHandshake(_worker.Services.Time.GetElapsedTime(_handshakeStart), tls.Version);
        if (tls.Error is { } error)
        {
            _worker.Services.Logger.HandshakeFailed(Identity.Peer, error.Message);
        }
    }
}
