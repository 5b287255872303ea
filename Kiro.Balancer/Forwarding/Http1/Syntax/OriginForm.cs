namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>
/// Passes path and query on byte for byte, as the client wrote them. Decoding and encoding them again would change
/// what they mean to the node (<c>%2F</c>, <c>%20</c> against <c>+</c>, doubled slashes).
/// </summary>
internal static class OriginForm
{
    /// <returns>The target as a node gets it: <c>/path?query</c>. <c>*</c> for the options of the server itself.</returns>
    public static string Of(string target, string method)
    {
        if (target.StartsWith('/') || (target == "*" && method == HttpMethods.Options))
        {
            return target;
        }

        // Absolute form (RFC 9112, section 3.2.2): Kestrel has checked that it is a URL.
        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0)
        {
            // Without a path, the options of the whole server are meant (RFC 9112, section 3.2.4).
            return method == HttpMethods.Options ? "*" : "/";
        }

        target = target[(authority + 3 + path)..];
        return target.StartsWith('?') ? "/" + target : target;
    }

    /// <returns>The authority of an absolute form; empty for any other.</returns>
    public static ReadOnlySpan<char> AuthorityOf(string target)
    {
        var start = target.StartsWith('/') ? -1 : target.IndexOf("://", StringComparison.Ordinal);
        if (start < 0)
        {
            return [];
        }

        var rest = target.AsSpan(start + 3);
        return rest.IndexOfAny('/', '?') is >= 0 and var end ? rest[..end] : rest;
    }

    /// <summary>Whether the authority of an absolute form has a user before the host, which is an error (RFC 9110, section 4.2.4).</summary>
    public static bool HasUser(string target) => AuthorityOf(target).Contains('@');
}
