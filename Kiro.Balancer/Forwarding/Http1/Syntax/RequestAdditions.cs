using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What a node is told beyond what the client sent.</summary>
internal readonly ref struct RequestAdditions
{
    /// <summary>Who is calling.</summary>
    public required Client Client { get; init; }

    /// <summary>The node's own authority: its Host when the client gave none.</summary>
    public required ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>Whether the client came over TLS.</summary>
    public bool IsSecure { get; init; }

    /// <summary>The last element of CDN-Loop (RFC 8586); none when it is empty.</summary>
    public ReadOnlySpan<byte> LoopMark { get; init; }

    /// <summary>A field that only a trusted peer may send, beside the usual ones; none when it is empty.</summary>
    public ReadOnlySpan<byte> TrustedField { get; init; }

    /// <summary>The balancer's own cookie, which nodes do not get; null when there is none.</summary>
    public StickyCookie? OwnCookie { get; init; }

    /// <summary>Whether the node is told by Forwarded (RFC 7239), too, when no trusted peer did so.</summary>
    public bool WritesForwarded { get; init; }

    /// <summary>The line about the certificate that the client has shown; none when it is empty.</summary>
    public ReadOnlySpan<byte> CertificateLine { get; init; }

    /// <summary>Further fields: whole lines with their ends.</summary>
    public ReadOnlySpan<byte> Lines { get; init; }

    /// <summary>Whether those lines have a traceparent, which takes the place of the client's.</summary>
    public bool ReplacesTrace { get; init; }
}
