using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Tells the node which certificate a client has shown, in Envoy's words:
/// <c>X-Forwarded-Client-Cert: Hash=…;Subject="CN=alice"</c>. Only the balancer itself says so, of what it has verified by
/// <c>TLS_CLIENT_CA</c>: what anybody else says in this field is dropped, trusted or not.
/// </summary>
internal static class ClientCertificateField
{
    /// <summary>The field.</summary>
    public const string Name = "X-Forwarded-Client-Cert";

    // A certificate is its connection's; requests come by the thousand.
    private static readonly ConditionalWeakTable<X509Certificate2, string> Values = [];

    /// <returns>Null when the client has shown none.</returns>
    public static string? Of(HttpContext context) =>
        context.Request.IsHttps && context.Connection.ClientCertificate is { } certificate ? Values.GetValue(certificate, Write) : null;

    /// <summary>The whole line of a certificate, with its end.</summary>
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
                // As a name's own escape (RFC 4514, section 2.4): a field holds nothing else.
                < 0x20 or >= 0x7F => value.Append(CultureInfo.InvariantCulture, $"\\{one:X2}"),
                _ => value.Append((char)one),
            };
        }

        return value.Append('"').ToString();
    }
}
