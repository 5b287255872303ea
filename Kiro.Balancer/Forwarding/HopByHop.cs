using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Header fields that concern one connection only (RFC 9110, section 7.6.1). YARP drops the well-known ones; those
/// that a message itself names in Connection are dropped here.
/// </summary>
internal static class HopByHop
{
    public static void RemoveNamed(StringValues connection, HttpHeaders headers, HttpHeaders? contentHeaders)
    {
        foreach (var name in Names(connection))
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
            if (!IsOwn(name))
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

    private static IEnumerable<string> Names(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var name in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!IsOwn(name))
                {
                    yield return name;
                }
            }
        }
    }

    // Values of Connection itself, or fields that frame the message: naming them must not unframe it.
    private static bool IsOwn(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase)
        || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
        || name.Equals("TE", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}
