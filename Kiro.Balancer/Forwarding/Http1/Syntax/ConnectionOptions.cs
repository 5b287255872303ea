using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The fields that a message's Connection field names as concerning that connection only (RFC 9110, section 7.6.1).</summary>
internal static class ConnectionOptions
{
    /// <summary>The names of fields to drop. Values of Connection itself, and fields that frame the message, are not among them.</summary>
    public static IEnumerable<string> FieldsNamedIn(StringValues connection)
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

    /// <summary>Naming these must not unframe the message.</summary>
    public static bool IsOwn(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase)
        || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
        || name.Equals("TE", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}
