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

    /// <summary>Further fields: whole lines with their ends. A CDN-Loop among them completes the client's (RFC 8586).</summary>
    public ReadOnlySpan<byte> Lines { get; init; }

    /// <summary>Whether those lines have a traceparent, which takes the place of the client's.</summary>
    public bool ReplacesTrace { get; init; }
}
