using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Kiro.Balancer.Front.Tls;

/// <summary>What Kestrel asks of a connection by TLS. Its own handshake leaves a connection alone that has this.</summary>
internal sealed class TlsFeatures(TlsSession session) : ITlsConnectionFeature, ITlsApplicationProtocolFeature
{
    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = session.Protocol;

    public X509Certificate2? ClientCertificate { get; set; } = session.ClientCertificate;

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);

    /// <summary>Puts a session that has left its loop around the bytes of a connection.</summary>
    /// <returns>To be disposed of before the connection.</returns>
    public static IAsyncDisposable Set(ConnectionContext connection, TlsSession session)
    {
        var features = new TlsFeatures(session);
        connection.Features.Set<ITlsConnectionFeature>(features);
        connection.Features.Set<ITlsApplicationProtocolFeature>(features);
        var text = session.Detach(connection.Transport.Input.AsStream(), connection.Transport.Output.AsStream());
        var output = new EndingStream(text);
        connection.Transport = new Text(PipeReader.Create(text, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(output));
        return output;
    }

    private sealed record Text(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    // The end of what is sent ends the session, and with it the connection. The client is told first, so that it can tell this
    // from a torn one (RFC 8446, section 6.1).
    private sealed class EndingStream(SslStream text) : DelegatingStream(text)
    {
        private bool _hasEnded;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_hasEnded)
            {
                _hasEnded = true;
                _ = EndAsync();
            }

            base.Dispose(disposing);
        }

        private async Task EndAsync()
        {
            try
            {
                await text.ShutdownAsync();
            }
            catch (Exception gone) when (gone is IOException or InvalidOperationException or NotSupportedException or OperationCanceledException)
            {
                // There is nobody to be told.
            }
        }
    }
}
