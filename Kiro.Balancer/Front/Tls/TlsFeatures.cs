using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
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
    public static void Set(ConnectionContext connection, TlsSession session)
    {
        var features = new TlsFeatures(session);
        connection.Features.Set<ITlsConnectionFeature>(features);
        connection.Features.Set<ITlsApplicationProtocolFeature>(features);
        var text = session.Detach(connection.Transport.Input.AsStream(), connection.Transport.Output.AsStream());
        // The end of what is sent ends the session, and with it the connection.
        connection.Transport = new Text(PipeReader.Create(text, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(text));
    }

    private sealed record Text(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
