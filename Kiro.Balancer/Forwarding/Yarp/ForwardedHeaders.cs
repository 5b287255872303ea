using System.Net.Http.Headers;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Tells the node who the client is and what it asked for. What a trusted proxy said before is kept and completed;
/// what anybody else claimed is dropped.
/// </summary>
internal static class ForwardedHeaders
{
    public static void Set(HttpRequest request, in Client client, ForwardingRules rules, HttpRequestHeaders headers)
    {
        var peer = client.Peer.ToString();
        var (forwardedFor, proto, host) = (peer, request.Scheme, request.Host.Value ?? "");
        if (client.PeerIsTrusted)
        {
            if (request.Headers[ForwardedClaims.For] is { Count: > 0 } before)
            {
                forwardedFor = $"{string.Join(", ", before.ToArray())}, {peer}";
            }

            proto = ForwardedClaims.First(request.Headers[ForwardedClaims.Proto]) ?? proto;
            host = ForwardedClaims.First(request.Headers[ForwardedClaims.Host]) ?? host;
        }

        foreach (var (name, _) in request.Headers)
        {
            if (rules.IsDropped(name, client.PeerIsTrusted))
            {
                headers.Remove(name);
            }
        }

        Replace(headers, ForwardedClaims.For, forwardedFor);
        Replace(headers, ForwardedClaims.Proto, proto);
        Replace(headers, ForwardedClaims.Host, host);
        Replace(headers, ForwardedClaims.RealIp, client.Address.ToString());
        Replace(headers, ClientCertificateField.Name, ClientCertificateField.Of(request.HttpContext) ?? "");
        Replace(headers, ForwardedClaims.Key, client.Pseudonym ?? "");
        Replace(headers, ClientHeader.Forwarded, ForwardedClaims.CompleteForwarded(request, client, rules) ?? "");
        Replace(headers, HopMark.FieldName, string.Join(", ", [.. request.Headers[HopMark.FieldName], rules.Mark.Name]));
    }

    private static void Replace(HttpRequestHeaders headers, string name, string value)
    {
        headers.Remove(name);
        if (value.Length > 0)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}

/// <summary>
/// Header fields that concern one connection only. YARP drops the well-known ones; those that a message itself names
/// in Connection are dropped here.
/// </summary>
internal static class HopByHop
{
    public static void RemoveNamed(StringValues connection, HttpHeaders headers, HttpHeaders? contentHeaders)
    {
        foreach (var name in ConnectionOptions.FieldsNamedIn(connection))
        {
            Remove(headers, name);
            if (contentHeaders is not null)
            {
                Remove(contentHeaders, name);
            }
        }
    }

    public static void RemoveNamed(IEnumerable<string> connection, IHeaderDictionary headers)
    {
        foreach (var name in connection)
        {
            if (!ConnectionOptions.IsOwn(name))
            {
                headers.Remove(name);
            }
        }
    }

    // Remove throws on what is no name, and on the name of a field that belongs to the other collection.
    private static void Remove(HttpHeaders headers, string name)
    {
        if (headers.NonValidated.Contains(name))
        {
            headers.Remove(name);
        }
    }
}
