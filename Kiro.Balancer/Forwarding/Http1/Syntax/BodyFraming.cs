namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>How the end of a body is found (RFC 9112, section 6.3).</summary>
internal enum BodyFraming
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>After so many bytes.</summary>
    Length,

    /// <summary>After the last chunk.</summary>
    Chunked,

    /// <summary>With the connection.</summary>
    UntilClose,
}
