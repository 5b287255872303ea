namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>What becomes of a field.</summary>
internal enum FieldKind
{
    /// <summary>It is passed on.</summary>
    EndToEnd,

    /// <summary>It concerns one connection.</summary>
    HopByHop,

    ContentLength,
    TransferEncoding,
    Connection,
    Trailer,
    Host,
}
