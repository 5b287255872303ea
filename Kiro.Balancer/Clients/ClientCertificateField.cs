using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Forwards the client certificate in Envoy's format: <c>X-Forwarded-Client-Cert: Hash=…;Subject="CN=alice"</c>. Set only for certificates
/// verified here with <c>TLS_CLIENT_CA</c>; the field is dropped from requests, even those of trusted proxies.
/// </summary>
internal static class ClientCertificateField
{
    public const string Name = "X-Forwarded-Client-Cert";

    // A connection has one certificate and many requests.
    private static readonly ConditionalWeakTable<X509Certificate2, string> Values = [];

    /// <returns>Null if the client sent no certificate.</returns>
    public static string? Of(HttpContext context) =>
        context.Request.IsHttps && context.Connection.ClientCertificate is { } certificate ? Values.GetValue(certificate, Write) : null;

    /// <summary>The whole field line, with CRLF.</summary>
    public static byte[] Line(X509Certificate2 certificate) => Encoding.ASCII.GetBytes($"{Name}: {Write(certificate)}\r\n");

    private static string Write(X509Certificate2 certificate)
    {
        var value = new StringBuilder("Hash=").Append(certificate.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant())
            .Append(";Subject=\"");
        foreach (var one in Encoding.UTF8.GetBytes(certificate.Subject))
        {
            _ = one switch
            {
                (byte)'"' => value.Append("\\\""),
                // The escape of distinguished names (RFC 4514, section 2.4): a field value must be ASCII.
                < 0x20 or >= 0x7F => value.Append(CultureInfo.InvariantCulture, $"\\{one:X2}"),
                _ => value.Append((char)one),
            };
        }

        return value.Append('"').ToString();
    }
}
