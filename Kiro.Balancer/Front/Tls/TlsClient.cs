using Kiro.Balancer.Backends;
using Kiro.Balancer.Front.EventLoop;

namespace Kiro.Balancer.Front.Tls;

/// <summary>Begins TLS with backends, for one loop.</summary>
internal sealed class TlsClient(BackendTls tls)
{
    private readonly RecordBuffer _buffer = new();

    /// <summary>Begins the handshake.</summary>
    /// <param name="connection">An established connection.</param>
    /// <param name="backend">Its backend.</param>
    /// <param name="onProblem">Called with the reason when the backend's certificate is not accepted.</param>
    public TlsSession Begin(FrontConnection connection, Backend backend, Action<string> onProblem) =>
        TlsSession.BeginAsClient(connection, _buffer, tls.OptionsFor(backend, onProblem));
}
