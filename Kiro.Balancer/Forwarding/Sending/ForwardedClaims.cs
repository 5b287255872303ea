using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Fields that tell a node who the client is and what it asked for: who may say so, and what is kept of it.</summary>
internal static class ForwardedClaims
{
    public const string For = "X-Forwarded-For";
    public const string Proto = "X-Forwarded-Proto";
    public const string Host = "X-Forwarded-Host";
    public const string RealIp = "X-Real-IP";
    private const string Prefix = "X-Forwarded-";
    private const string Standard = "Forwarded";

    /// <summary>Whether a field of the request must not reach the node.</summary>
    public static bool IsDropped(string name, bool peerIsTrusted) =>
        name.Contains('_') ? RequestFieldNames.IsLookalike(name) : !peerIsTrusted && IsClaim(name);

    /// <summary>Whether the balancer writes this field itself.</summary>
    public static bool IsWritten(string name) =>
        name.Length is >= 8 and <= 17 && (name[0] is 'X' or 'x'
        ? name.Equals(For, StringComparison.OrdinalIgnoreCase) || name.Equals(Proto, StringComparison.OrdinalIgnoreCase)
            || name.Equals(Host, StringComparison.OrdinalIgnoreCase) || name.Equals(RealIp, StringComparison.OrdinalIgnoreCase)
        : name.Equals(HopMark.FieldName, StringComparison.OrdinalIgnoreCase));

    /// <summary>The first value, if it says anything.</summary>
    public static string? First(StringValues values) => values.Count > 0 && values[0] is { Length: > 0 } value ? value : null;

    private static bool IsClaim(string name) =>
        name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || name.Equals(Standard, StringComparison.OrdinalIgnoreCase);
}
