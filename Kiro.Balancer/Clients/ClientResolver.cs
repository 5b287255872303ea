using System.Net;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Finds the client's address. X-Forwarded-For is read from right to left, as each proxy appended to it, and only as
/// long as the address to the right of an entry is a trusted proxy; what stands further left anybody could have written.
/// </summary>
internal sealed class ClientResolver(ClientOptions options)
{
    private readonly AddressRange[] _trusted = [.. options.TrustedProxies];

    /// <param name="peer">The connection's other end; null (not an IP connection) counts as loopback.</param>
    /// <param name="forwardedFor">The X-Forwarded-For lines, in the order in which they came.</param>
    public Client Resolve(IPAddress? peer, StringValues forwardedFor)
    {
        var peerAddress = ClientAddress.From(peer ?? IPAddress.Loopback);
        if (!IsTrusted(peerAddress))
        {
            return new Client(peerAddress, peerAddress, PeerIsTrusted: false);
        }

        return new Client(Walk(peerAddress, forwardedFor), peerAddress, PeerIsTrusted: true);
    }

    private ClientAddress Walk(ClientAddress address, StringValues forwardedFor)
    {
        for (var line = forwardedFor.Count - 1; line >= 0; line--)
        {
            var rest = forwardedFor[line].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = rest.LastIndexOf(',');
                var text = rest[(comma + 1)..];
                rest = comma < 0 ? [] : rest[..comma];
                if (text.IsWhiteSpace())
                {
                    // An empty element of a list counts for nothing (RFC 9110, section 5.6.1.2).
                    continue;
                }

                if (!ClientAddress.TryParse(text, out var entry))
                {
                    return address;
                }

                address = entry;
                if (!IsTrusted(address))
                {
                    return address;
                }
            }
        }

        return address;
    }

    private bool IsTrusted(ClientAddress address)
    {
        foreach (var range in _trusted)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
