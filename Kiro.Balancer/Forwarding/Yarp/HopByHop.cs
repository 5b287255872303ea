using System.Net.Http.Headers;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Yarp;

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
