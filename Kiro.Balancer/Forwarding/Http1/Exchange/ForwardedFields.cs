using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Forwarding.Http1.Exchange;

/// <summary>
/// Tells the backend who the client is and what it requested. What a trusted proxy sent is kept and extended; what anybody
/// else sent is dropped.
/// </summary>
internal static class ForwardedFields
{
    private const int MaxAddressLength = 64;

    public static void Write(SendBuffer head, HttpRequest request, in Client client, ForwardingRules rules)
    {
        var (proto, host) = (request.Scheme, request.Host.Value ?? "");
        head.Write("X-Forwarded-For: "u8);
        if (client.PeerIsTrusted)
        {
            foreach (var before in request.Headers[ForwardedClaims.For])
            {
                if (HttpSyntax.IsText(before ?? ""))
                {
                    head.Write(before ?? "");
                    head.Write(", "u8);
                }
            }

            proto = ForwardedClaims.First(request.Headers[ForwardedClaims.Proto]) ?? proto;
            host = ForwardedClaims.First(request.Headers[ForwardedClaims.Host]) ?? host;
        }

        Write(head, client.Peer);
        Write(head, "\r\nX-Forwarded-Proto: "u8, proto);
        if (host.Length > 0)
        {
            Write(head, "\r\nX-Forwarded-Host: "u8, host);
        }

        head.Write("\r\nX-Real-IP: "u8);
        Write(head, client.Address);
        head.Write("\r\n"u8);
        if (client.Pseudonym is { } name)
        {
            Write(head, "X-Kiro-Client: "u8, name);
            head.Write("\r\n"u8);
        }

        if (ClientCertificateField.Of(request.HttpContext) is { } certificate)
        {
            Write(head, "X-Forwarded-Client-Cert: "u8, certificate);
            head.Write("\r\n"u8);
        }

        WriteForwarded(head, request, client, rules);
        WriteMark(head, request, rules.Mark);
    }

    // A trusted proxy's field is extended; otherwise it is only written when configured.
    private static void WriteForwarded(SendBuffer head, HttpRequest request, in Client client, ForwardingRules rules)
    {
        if (ForwardedClaims.CompleteForwarded(request, client, rules) is { } value && HttpSyntax.IsText(value))
        {
            Write(head, "Forwarded: "u8, value);
            head.Write("\r\n"u8);
        }
    }

    private static void WriteMark(SendBuffer head, HttpRequest request, LoopMarker mark)
    {
        if (request.Headers[LoopMarker.FieldName] is not { Count: > 0 } before)
        {
            head.Write(mark.Line);
            return;
        }

        head.Write(LoopMarker.FieldName);
        head.Write(": "u8);
        foreach (var value in before)
        {
            if (HttpSyntax.IsText(value ?? ""))
            {
                head.Write(value ?? "");
                head.Write(", "u8);
            }
        }

        head.Write(mark.Bytes);
        head.Write("\r\n"u8);
    }

    private static void Write(SendBuffer head, ReadOnlySpan<byte> name, string value)
    {
        if (HttpSyntax.IsText(value))
        {
            head.Write(name);
            head.Write(value);
        }
    }

    private static void Write(SendBuffer head, ClientAddress address)
    {
        address.TryFormat(head.Room(MaxAddressLength), out var length);
        head.Advance(length);
    }
}
