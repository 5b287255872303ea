using Kiro.Balancer.Clients;
using Kiro.Balancer.Front.Tls;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Front.Exchange;

/// <content>How a client that comes by TLS gets in.</content>
internal sealed partial class ClientConnection
{
    /// <summary>For the request of a client that got in while the process stops; in milliseconds.</summary>
    private const int LastRequestTimeout = 2_000;

    private bool _isShakingHands;
    private long _handshakeBegan;
    private byte[] _certificateLine = [];

    private TlsSession? Tls => (TlsSession?)Cipher;

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

    // Somebody has https:// left out, and should read so.
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

        // The first request may have come with the end of the handshake.
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
