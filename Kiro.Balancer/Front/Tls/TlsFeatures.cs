using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Kiro.Balancer.Front.Tls;

/// <summary>The TLS features that Kestrel looks for. It does no handshake of its own on a connection that has them.</summary>
internal sealed class TlsFeatures(TlsSession session) : ITlsConnectionFeature, ITlsApplicationProtocolFeature
{
    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = session.Protocol;

    public X509Certificate2? ClientCertificate { get; set; } = session.ClientCertificate;

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);

    /// <summary>Puts a session that has left its loop around a connection's transport.</summary>
    /// <returns>To be disposed of before the connection.</returns>
    public static IAsyncDisposable Set(ConnectionContext connection, TlsSession session)
    {
        var features = new TlsFeatures(session);
        connection.Features.Set<ITlsConnectionFeature>(features);
        connection.Features.Set<ITlsApplicationProtocolFeature>(features);
        var text = session.Detach(connection.Transport.Input.AsStream(), connection.Transport.Output.AsStream());
        var output = new ClosingStream(text);
        connection.Transport = new DecryptedTransport(PipeReader.Create(text, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(output));
        return output;
    }

    private sealed record DecryptedTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    // Completing the output closes the connection. close_notify goes first, so that the client can tell the end from a truncation
    // (RFC 8446, section 6.1).
    private sealed class ClosingStream(SslStream text) : DelegatingStream(text)
    {
        private bool _isClosed;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_isClosed)
            {
                _isClosed = true;
                _ = CloseAsync();
            }

            base.Dispose(disposing);
        }

        private async Task CloseAsync()
        {
            try
            {
                await text.ShutdownAsync();
            }
            catch (Exception exception)
                when (exception is IOException or InvalidOperationException or NotSupportedException or OperationCanceledException)
            {
                // The client is gone.
            }
        }
    }
}
