using System.Security.Authentication;
using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class TlsProblemTests
{
    /// <summary>Errors of OpenSSL 3 with <c>openssl s_server</c>.</summary>
    [Theory]
    [InlineData("error:0A00042E:SSL routines::tlsv1 alert protocol version", "it refuses TLS 1.2 and TLS 1.3")]
    [InlineData("error:0A00045C:SSL routines::tlsv13 alert certificate required", "it requires a client certificate, which the balancer does not have")]
    [InlineData("error:0A00010B:SSL routines::wrong version number", "it does not speak TLS on that port")]
    [InlineData("error:0A000410:SSL routines::sslv3 alert handshake failure", "it has no cipher in common with the balancer, or requires a client certificate")]
    [InlineData("error:0A000460:SSL routines::tlsv1 alert no application protocol", "it does not offer the required protocol (ALPN, BACKEND_PROTOCOL)")]
    [InlineData("something new.", "something new")]
    public void OfHandshake_OpenSslError_IsExplained(string said, string meant) =>
        Assert.Equal(meant, TlsProblem.OfHandshake(new AuthenticationException("Authentication failed.", new IOException(said))));
}
